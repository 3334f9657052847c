"""The official package's two steps, spectra and their distance, for subclasses that override one of them.

Uses whole complex spectra and plain operations, as the official code does: an overriding step need be neither
linear nor symmetric. Everything else uses :mod:`ffl_plugin.fused`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ffl_plugin.arguments import aligned_weights
from ffl_plugin.distance import Weighting, compute_dtype, focal_weight_, share_of_batch_
from ffl_plugin.spectrum import patches


def spectra_of(images: Tensor, patch_factor: int) -> Tensor:
    """Return the unitary DFT of each patch: (N, C, H, W) -> (N, P, C, h, w, 2), real and imaginary parts.

    Raises:
        ValueError: images that are not (N, C, H, W) or are empty, or whose size ``patch_factor`` does not
            divide.
    """
    if (
        images.dim() != 4
        or images.numel() == 0
        or images.shape[2] % patch_factor
        or images.shape[3] % patch_factor
    ):
        raise ValueError(
            f"images of shape {tuple(images.shape)} must be (N, C, H, W), not empty, with H and W divisible "
            f"by patch_factor={patch_factor}"
        )
    cut = patches(images.to(compute_dtype(images)), patch_factor).contiguous()
    whole = cut.unsqueeze(1) if patch_factor == 1 else cut.flatten(1, 2)
    return torch.view_as_real(torch.fft.fft2(whole, norm="ortho"))


def distance_of(pred: Tensor, target: Tensor, weighting: Weighting) -> Tensor:
    """Return the mean of w |D|² over whole spectra, (N, P, C, h, w, 2) twice -> ().

    Raises:
        ValueError: spectra of different shapes, which would broadcast, or a matrix that does not fit.
    """
    if pred.shape != target.shape:
        raise ValueError(f"spectra of {tuple(pred.shape)} and {tuple(target.shape)} must have the same shape")
    distance = (pred - target).square().sum(-1)
    if weighting.matrix is not None:
        return (aligned_weights(weighting.matrix, distance.shape) * distance).mean()
    weight, highest = focal_weight_(distance.detach().clone(), weighting)
    if weighting.batch_matrix:
        weight = weight * share_of_batch_(highest, weighting)
    return (weight * distance).mean()
