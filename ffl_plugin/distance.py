"""The weighted frequency distance of pairs of images: equations (9) and (10) of the paper, as they stand.

Differentiable torch operations and nothing else, so they can be compiled, exported, vmapped and
differentiated twice. Training takes :mod:`ffl_plugin.fused`: the same numbers in fewer passes over memory.
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
    """How much each frequency counts: equation (9), or given weights.

    ``matrix`` has the axes of half spectra of :func:`ffl_plugin.spectrum.patches`, 1 where it broadcasts.
    """

    alpha: float = 1.0
    patch_factor: int = 1
    log_matrix: bool = False
    batch_matrix: bool = False
    matrix: Optional[Tensor] = None

    @property
    def is_plain(self) -> bool:
        """Whether these are the paper's own weights of whole images: |D| / max |D|."""
        return self.alpha == 1 and self.patch_factor == 1 and not self.log_matrix and self.matrix is None


def pairwise_distance(pred: Tensor, target: Tensor, weighting: Weighting) -> Tensor:
    """Return the focal frequency distance of each image to its target: (N, C, H, W) twice -> (N,)."""
    difference = patches(pred.to(at_least_single(pred, target)) - target, weighting.patch_factor)
    return weighted_sum(power(half_spectrum(difference)), difference.shape[-1], weighting) / pred[0].numel()


def weighted_sum(distance: Tensor, width: int, weighting: Weighting) -> Tensor:
    """Sum w d over the whole spectrum of each image: half spectra of distances d, (N, ..., w//2 + 1) -> (N,).

    The weights follow from d = |D|², and no gradient flows through them.
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
    """Turn |D|², in place, into weights |D|^alpha / max |D|^alpha; return these and the maxima of |D|².

    The maximum is taken per image, patch and channel. Identical images have weights 0, or 1 for alpha = 0.
    """
    highest = distance.amax((-2, -1), keepdim=True)
    return _relative_weight_(distance, highest, weighting), highest


def share_of_batch_(highest: Tensor, weighting: Weighting) -> Tensor:
    """Turn maxima of |D|², in place, into factors from weights relative to them to the batch's weights."""
    return _relative_weight_(highest, highest.amax(), weighting)


def _relative_weight_(distance: Tensor, highest: Tensor, weighting: Weighting) -> Tensor:
    """Turn |D|² up to ``highest``, in place, into weights relative to that of ``highest``.

    |D|^alpha may overflow or underflow where |D|² does neither: if alpha > 2. It is not computed then.
    """
    highest = highest.clamp_min(torch.finfo(distance.dtype).tiny)  # instead of 0 / 0
    exponent = weighting.alpha / 2
    if not weighting.log_matrix:
        return distance.div_(highest).pow_(exponent)
    if exponent <= 1:
        return distance.pow_(exponent).log1p_().div_(highest.pow(exponent).log1p())
    # softplus makes log(1 + |D|^alpha) of alpha log |D|. Below e^-50, log(1 + x) is x: all may be raised.
    level = highest.log().mul_(exponent).clamp_min_(-50)
    logarithm = distance.div_(highest).log_().mul_(exponent).add_(level)
    return softplus(logarithm, threshold=50).div_(softplus(level, threshold=50))


def at_least_single(*tensors: Tensor) -> torch.dtype:
    """Return the precision to compute in: the highest of the tensors', and float32 at least."""
    return functools.reduce(torch.promote_types, (tensor.dtype for tensor in tensors), torch.float32)
