"""The weighted frequency distance of pairs of images: equations (9) and (10) of the paper.

Plain differentiable torch operations, so they can be compiled, exported, vmapped and differentiated twice.
Training uses :mod:`ffl_plugin.fused`: the same numbers in fewer passes over memory.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ffl_plugin.spectrum import column_multiplicity, half_spectrum, patches, power


@dataclass(frozen=True)
class Weighting:
    """The weight of each frequency: equation (9), or a given matrix.

    ``matrix`` broadcasts to the half spectra of :func:`ffl_plugin.spectrum.patches`.
    """

    alpha: float = 1.0
    patch_factor: int = 1
    log_matrix: bool = False
    batch_matrix: bool = False
    matrix: Optional[Tensor] = None

    @property
    def is_plain(self) -> bool:
        """Whether these are the paper's default weights of whole images: |D| / max |D|."""
        return self.alpha == 1 and self.patch_factor == 1 and not self.log_matrix and self.matrix is None


def pairwise_distance(pred: Tensor, target: Tensor, weighting: Weighting) -> Tensor:
    """Return the focal frequency distance between each image and its target: (N, C, H, W) twice -> (N,)."""
    difference = patches(pred.to(compute_dtype(pred, target)) - target, weighting.patch_factor)
    return weighted_sum(power(half_spectrum(difference)), difference.shape[-1], weighting) / pred[0].numel()


def weighted_sum(distance: Tensor, width: int, weighting: Weighting) -> Tensor:
    """Sum w d over the whole spectrum of each image: half spectra of distances d, (N, ..., w//2 + 1) -> (N,).

    The weights are computed from d = |D|²; no gradient flows through them.
    """
    if weighting.matrix is None:
        weight, highest = focal_weight_(distance.detach().clone(), weighting)
    else:
        weight, highest = weighting.matrix, None
    total = (weight * distance * column_multiplicity(width, distance)).sum((-2, -1), keepdim=True)
    if weighting.batch_matrix and highest is not None:
        total = total * share_of_batch_(highest, weighting)
    return total.flatten(1).sum(1)


def focal_weight_(distance: Tensor, weighting: Weighting) -> tuple[Tensor, Tensor]:
    """Turn |D|², in place, into weights |D|^alpha / max |D|^alpha; return the weights and the maxima of |D|².

    The maximum is per image, patch and channel. Identical images have weights 0, or 1 for alpha = 0.
    """
    highest = distance.amax((-2, -1), keepdim=True)
    return _relative_weight_(distance, highest, weighting), highest


def share_of_batch_(highest: Tensor, weighting: Weighting) -> Tensor:
    """Turn maxima of |D|², in place, into factors that rescale per-image weights to per-batch weights."""
    return _relative_weight_(highest, highest.amax(), weighting)


def _relative_weight_(distance: Tensor, highest: Tensor, weighting: Weighting) -> Tensor:
    """Turn |D|² <= ``highest``, in place, into weights relative to that of ``highest``.

    |D|^alpha, which for alpha > 2 may overflow or underflow where |D|² does not, is then never computed.
    """
    highest = highest.clamp_min(torch.finfo(distance.dtype).tiny)  # instead of 0 / 0
    exponent = weighting.alpha / 2
    if not weighting.log_matrix:
        return distance.div_(highest).pow_(exponent)
    if exponent <= 1:
        return distance.pow_(exponent).log1p_().div_(highest.pow(exponent).log1p())
    # softplus(alpha log |D|) = log(1 + |D|^alpha). Below e^-50, log(1 + x) = x, so the clamp changes nothing.
    offset = highest.log().mul_(exponent).clamp_min_(-50)
    logarithm = distance.div_(highest).log_().mul_(exponent).add_(offset)
    return softplus(logarithm, threshold=50).div_(softplus(offset, threshold=50))


def compute_dtype(*tensors: Tensor) -> torch.dtype:
    """Return the dtype to compute in: the widest of the tensors', and at least float32."""
    return functools.reduce(torch.promote_types, (tensor.dtype for tensor in tensors), torch.float32)
