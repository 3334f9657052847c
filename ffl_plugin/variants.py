"""Losses that the paper compares with the focal frequency loss: Table 7's and the ablations of Table 8.

All take ``pred`` and ``target`` of shape (N, C, H, W), real, and return a scalar. Half precision is computed
in float32, under autocast too, and its gradient comes back in the input's own precision. Focal weights are
those of equation (9) with alpha = 1: the square root of the distance, divided by its maximum per image and
channel, and no gradient flows through them. The paper describes its ablations in words; the formulas here are
ours.
"""

from __future__ import annotations

import math
from functools import lru_cache, wraps
from typing import Callable

import torch
from torch import Tensor

from ffl_plugin.averages import log_power
from ffl_plugin.distance import at_least_single
from ffl_plugin.spectrum import column_multiplicity, half_spectrum, power

Loss = Callable[[Tensor, Tensor], Tensor]


def _in_single(loss: Loss) -> Loss:
    """Compute a loss in float32 at least."""

    @wraps(loss)
    def compute(pred: Tensor, target: Tensor) -> Tensor:
        dtype = at_least_single(pred, target)
        with torch.autocast(pred.device.type, enabled=False):  # it would lower the products of matrices
            return loss(pred.to(dtype), target.to(dtype))

    return compute


@_in_single
def without_frequency(pred: Tensor, target: Tensor) -> Tensor:
    """Focus on hard pixels in place of hard frequencies: mean of w d with d = (pred - target)²."""
    return _focal_mean((pred - target) ** 2)


@_in_single
def without_phase(pred: Tensor, target: Tensor) -> Tensor:
    """Compare amplitudes only: mean of w d with d = (|F(pred)| - |F(target)|)²."""
    amplitudes = half_spectrum(pred).abs() - half_spectrum(target).abs()
    return _focal_mean(amplitudes**2, pred.shape[-1])


@_in_single
def without_amplitude(pred: Tensor, target: Tensor) -> Tensor:
    """Compare phases only: mean of w d with d the squared angle between F(pred) and F(target), in [0, π²]."""
    angle = (half_spectrum(pred) * half_spectrum(target).conj()).angle()
    return _focal_mean(angle**2, pred.shape[-1])


@_in_single
def without_focal(pred: Tensor, target: Tensor) -> Tensor:
    """Weigh all frequencies alike, equation (8): mean of |F(pred) - F(target)|², the MSE by Parseval."""
    difference = half_spectrum(pred - target)
    return _mean(torch.view_as_real(difference).square().sum(-1), pred.shape[-1])


@_in_single
def dct_loss(pred: Tensor, target: Tensor) -> Tensor:
    """The focal frequency loss with the orthonormal DCT-II in place of the DFT (Table 7)."""
    difference = pred - target
    rows, columns = (dct_matrix(side, difference.dtype, difference.device) for side in difference.shape[-2:])
    return _focal_mean((rows @ difference @ columns.T) ** 2)


@_in_single
def spectral_regularization(pred: Tensor, target: Tensor) -> Tensor:
    """Durall et al., CVPR 2020: cross-entropy of azimuthally averaged power spectra; values in [-1, 1].

    AI(k) is the mean power on the ring of radius k = 1 ... M/2 - 1, divided by the power at frequency zero to
    lie in [0, 1]; the loss is the binary cross-entropy of each image's AI against the mean AI of ``target``.
    The images are moved to [0, 1] first: around zero the power at frequency zero could vanish. Unlike the
    authors' code this passes a gradient through the spectrum.
    """
    generated = _azimuthal_power((pred + 1) / 2)
    real = _azimuthal_power((target + 1) / 2).mean(0, keepdim=True)
    loss: Tensor = torch.nn.functional.binary_cross_entropy(generated, real.detach().expand_as(generated))
    return loss


@_in_single
def log_spectrum_l1(pred: Tensor, target: Tensor) -> Tensor:
    """Distance of log-spectra: mean of |ln(|F(pred)|² + ε) - ln(|F(target)|² + ε)|; images in [-1, 1].

    ε is the power of rounding to 8 bits, as for the average ``batch-log-power``. No phases, no focal weights.
    """
    logarithms = [log_power(power(half_spectrum(images))) for images in (pred, target)]
    return _mean((logarithms[0] - logarithms[1]).abs(), pred.shape[-1])


@lru_cache(maxsize=8)
def dct_matrix(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the orthonormal DCT-II, (size, size): row k is cos(π (2x + 1) k / 2 size), scaled to norm 1."""
    with torch.inference_mode(False):  # a validation may ask first, and training cannot use what it keeps
        x = torch.arange(size, dtype=torch.float64, device="cpu")
        matrix = torch.cos(math.pi * (2 * x + 1) * x[:, None] / (2 * size)) * (2 / size) ** 0.5
        matrix[0] /= 2**0.5
        placed: Tensor = matrix.to(device, dtype)
    return placed


def _azimuthal_power(images: Tensor) -> Tensor:
    """Mean power on rings of whole radius over that at zero: (N, C, H, W) -> (N, M/2 - 1)."""
    height, width = images.shape[-2:]
    power = torch.fft.fft2(images, norm="ortho").abs().square().mean(1)  # (N, H, W)
    v = torch.fft.fftfreq(height, 1 / height, device=images.device)
    u = torch.fft.fftfreq(width, 1 / width, device=images.device)
    radius = torch.hypot(v[:, None], u[None, :]).round().long().flatten()
    rings = min(height, width) // 2
    inside = radius < rings
    onto_rings = torch.nn.functional.one_hot(radius[inside], rings).to(power.dtype)
    means = power.flatten(1)[:, inside] @ (onto_rings / onto_rings.sum(0))  # (N, rings)
    share: Tensor = means[:, 1:] / means[:, :1].clamp_min(torch.finfo(power.dtype).eps)
    return share.clamp(0, 1)


def _focal_mean(distance: Tensor, width: int = 0) -> Tensor:
    """Mean of w d over whole spectra; ``width`` is the image's where ``distance`` is of half spectra."""
    weight = distance.detach().sqrt()
    weight = weight / weight.amax((-2, -1), keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny)
    return _mean(weight * distance, width) if width else (weight * distance).mean()


def _mean(half: Tensor, width: int) -> Tensor:
    """Mean over a whole spectrum of what is given on its half: (N, C, H, W//2 + 1) -> scalar."""
    return (half * column_multiplicity(width, half)).sum() / (half[..., 0].numel() * width)
