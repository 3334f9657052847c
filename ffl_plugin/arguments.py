"""Validation of the loss's arguments: options, images and weights."""

from __future__ import annotations

import math
import operator
from typing import Any

import torch
from torch import Tensor

from ffl_plugin.averages import STATISTICS
from ffl_plugin.distance import compute_dtype
from ffl_plugin.spectrum import fold

SPECTRA = ("image", "batch", *STATISTICS)


def half_weights(matrix: Tensor, count: int, images: Tensor, patch_factor: int) -> Tensor:
    """Return weights for the half spectra of ``count`` images, cut into patches, or raise ValueError."""
    _, c, height, width = images.shape
    p = patch_factor**2
    aligned = aligned_weights(matrix, (count, p, c, height // patch_factor, width // patch_factor))
    half = fold(aligned.to(images.device, compute_dtype(images)))
    if p == 1:
        return half.squeeze(1)
    rows = patch_factor if half.shape[1] == p else 1
    return half.reshape(half.shape[0], rows, rows, *half.shape[2:])


def aligned_weights(matrix: Tensor, spectra: tuple[int, ...]) -> Tensor:
    """Return detached weights that broadcast to spectra of shape (N, P, C, h, w), or raise ValueError."""
    count, p, c, height, width = spectra
    aligned = matrix
    if matrix.dim() == 4 and (p == 1 or matrix.shape[0] == 1):
        aligned = matrix.unsqueeze(1)
    elif matrix.dim() in (2, 3):
        aligned = matrix.reshape((1,) * (5 - matrix.dim()) + matrix.shape)
    fits = (
        aligned.dim() == 5
        and aligned.shape[3:] == (height, width)
        and all(given in (1, wanted) for given, wanted in zip(aligned.shape, spectra))
    )
    if not fits:
        four_axes = f"({count if p == 1 else 1}, {c}, {height}, {width})"
        raise ValueError(
            f"matrix of shape {tuple(matrix.shape)} does not fit spectra of shape "
            f"{tuple(spectra)} (N, P, C, h, w): pass ({height}, {width}), ({c}, {height}, {width}), "
            f"{four_axes} or the full shape; N, P and C may be 1"
        )
    return aligned.detach()


def number(alpha: Any) -> float:
    """Return ``alpha`` as a float. A tensor's value is used without its gradient: the weights have none."""
    if not isinstance(alpha, Tensor):
        return alpha  # type: ignore[no-any-return]
    if alpha.numel() != 1:
        raise ValueError(f"alpha must be a scalar, not a tensor of shape {tuple(alpha.shape)}")
    return alpha.item()


def whole_number(patch_factor: Any) -> int:
    """Return ``patch_factor`` as an int; accepts any integer type, else raises ValueError."""
    try:
        factor = 0 if isinstance(patch_factor, bool) else operator.index(patch_factor)
    except TypeError:
        factor = 0
    if factor < 1:
        raise ValueError(f"patch_factor must be an integer >= 1, not {patch_factor!r}")
    return factor


def check_options(alpha: float, spectrum: str, reduction: str, sync: bool) -> None:
    """Raise ValueError if an option is out of range."""
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha must be a finite number >= 0, not {alpha}")
    if spectrum not in SPECTRA:
        raise ValueError(f"spectrum must be one of {', '.join(SPECTRA)}, not {spectrum!r}")
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction must be 'mean' or 'none', not {reduction!r}")
    if reduction == "none" and spectrum != "image":
        raise ValueError(
            f"reduction='none' needs one loss per image, but spectrum={spectrum!r} has one per batch"
        )
    if sync and spectrum == "image":
        raise ValueError("sync=True has no effect with spectrum='image', which averages nothing: drop one")


def check_images(pred: Tensor, target: Tensor, patch_factor: int, spectrum: str) -> None:
    """Raise ValueError if the images cannot be compared, TypeError if they are not tensors."""
    for name, images in (("pred", pred), ("target", target)):
        if not isinstance(images, Tensor):
            found = f"{type(images).__module__}.{type(images).__name__}"
            raise TypeError(f"{name} must be a torch.Tensor of shape (N, C, H, W), not {found}")
    problem = None
    if pred.dim() != 4 or target.dim() != 4:
        problem = "must both be (N, C, H, W)"
    elif pred.shape[1:] != target.shape[1:] or (spectrum == "image" and pred.shape[0] != target.shape[0]):
        problem = "must have the same shape"
    elif 0 in pred.shape or 0 in target.shape:
        problem = "must not be empty"
    elif pred.shape[2] % patch_factor or pred.shape[3] % patch_factor:
        problem = f"must have a height and width divisible by patch_factor={patch_factor}"
    elif any(images.is_complex() or images.dtype == torch.bool for images in (pred, target)):
        problem = f"must be real images, not {pred.dtype} and {target.dtype}"
    elif pred.device != target.device:
        problem = f"are on {pred.device} and {target.device}; move them to one device"
    if problem:
        raise ValueError(f"pred {tuple(pred.shape)} and target {tuple(target.shape)} {problem}")
