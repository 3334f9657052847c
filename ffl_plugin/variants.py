"""Alternative losses: those that the FFL paper compares (Tables 7 and 8), and later ones.

All take ``pred`` and ``target`` of one shape (N, C, H, W), real, and return a scalar; ``ValueError`` names
shapes that do not fit. Half precision is computed
in float32, also under autocast, and its gradient is returned in the input's dtype. Focal weights are those of
equation (9) with alpha = 1: the square root of the distance, divided by its maximum per image and channel; no
gradient flows through them. The paper describes its ablations in prose; the formulas here are this package's
interpretation. docs/loss.md lists later losses that are left out, with reasons.
"""

from __future__ import annotations

import math
from functools import lru_cache, wraps
from typing import Any, Callable

import torch
from torch import Tensor

from ffl_plugin.arguments import check_images
from ffl_plugin.averages import ROUNDING_POWER, log_power
from ffl_plugin.distance import compute_dtype
from ffl_plugin.spectrum import column_multiplicity, half_spectrum, image_of, power

Loss = Callable[[Tensor, Tensor], Tensor]


def _checked(*, paired: bool = True, smallest: int = 1) -> Callable[[Loss], Loss]:
    """Return a decorator that checks the images and computes a loss in at least float32.

    Args:
        paired: whether each image has its own target; if not, their numbers may differ.
        smallest: the least height and width.
    """

    def decorate(loss: Loss) -> Loss:
        @wraps(loss)
        def compute(pred: Tensor, target: Tensor) -> Tensor:
            check_images(pred, target, 1, "image" if paired else "batch")
            if min(pred.shape[-2:]) < smallest:
                raise ValueError(
                    f"pred {tuple(pred.shape)} and target {tuple(target.shape)} must be at least "
                    f"{smallest}x{smallest} pixels: smaller images have no ring of frequencies to compare"
                )
            dtype = compute_dtype(pred, target)
            with torch.autocast(pred.device.type, enabled=False):  # would lower matrix products
                return loss(pred.to(dtype), target.to(dtype))

        return compute

    return decorate


@_checked()
def without_frequency(pred: Tensor, target: Tensor) -> Tensor:
    """Focus on hard pixels instead of hard frequencies: mean of w d with d = (pred - target)²."""
    return _focal_mean((pred - target) ** 2)


@_checked()
def without_phase(pred: Tensor, target: Tensor) -> Tensor:
    """Compare amplitudes only: mean of w d with d = (|F(pred)| - |F(target)|)²."""
    amplitudes = half_spectrum(pred).abs() - half_spectrum(target).abs()
    return _focal_mean(amplitudes**2, pred.shape[-1])


@_checked()
def without_amplitude(pred: Tensor, target: Tensor) -> Tensor:
    """Compare phases only: mean of w d with d the squared angle between F(pred) and F(target), in [0, π²]."""
    angle = (half_spectrum(pred) * half_spectrum(target).conj()).angle()
    return _focal_mean(angle**2, pred.shape[-1])


@_checked()
def without_focal(pred: Tensor, target: Tensor) -> Tensor:
    """Weight all frequencies equally, equation (8): mean of |F(pred) - F(target)|², the MSE by Parseval."""
    difference = half_spectrum(pred - target)
    return _mean(torch.view_as_real(difference).square().sum(-1), pred.shape[-1])


@_checked()
def dct_loss(pred: Tensor, target: Tensor) -> Tensor:
    """The focal frequency loss with the orthonormal DCT-II instead of the DFT (Table 7)."""
    difference = pred - target
    rows, columns = (dct_matrix(side, difference.dtype, difference.device) for side in difference.shape[-2:])
    return _focal_mean((rows @ difference @ columns.T) ** 2)


@_checked(paired=False, smallest=4)
def spectral_regularization(pred: Tensor, target: Tensor) -> Tensor:
    """Durall et al., CVPR 2020: cross-entropy of azimuthally averaged power spectra; values in [-1, 1].

    AI(k) is the mean power on the ring of radius k = 1 ... M/2 - 1, divided by the power at frequency zero to
    lie in [0, 1]; the loss is the binary cross-entropy of each image's AI against the mean AI of ``target``.
    The images are shifted to [0, 1] first: around zero the power at frequency zero could vanish. Unlike the
    authors' code, the gradient flows through the spectrum. Images have at least 4x4 pixels.
    """
    means = [
        _mean_on_rings(power(half_spectrum((images + 1) / 2)).mean(1), images.shape[-1])
        for images in (pred, target)
    ]
    zero_first = [mean / mean[:, :1].clamp_min(torch.finfo(mean.dtype).eps) for mean in means]
    generated, real = (share[:, 1:].clamp(0, 1) for share in zero_first)
    real = real.mean(0, keepdim=True).detach().expand_as(generated)
    loss: Tensor = torch.nn.functional.binary_cross_entropy(generated, real)
    return loss


@_checked()
def log_spectrum_l1(pred: Tensor, target: Tensor) -> Tensor:
    """Distance of log spectra: mean of |ln(|F(pred)|² + ε) - ln(|F(target)|² + ε)|; images in [-1, 1].

    ε is the power of rounding to 8 bits, as for the average ``batch-log-power``. Phases are ignored.
    """
    logarithms = [log_power(power(half_spectrum(images))) for images in (pred, target)]
    return _mean((logarithms[0] - logarithms[1]).abs(), pred.shape[-1])


@_checked()
def stationary_wavelet(pred: Tensor, target: Tensor) -> Tensor:
    """Wavelet loss of WGSR (Korkmaz, Tekalp and Dogan, CVPR 2024, arXiv 2402.19215).

    Sum over the bands b of λ_b · mean |SWT_b(pred) - SWT_b(target)|: one level of the stationary transform
    with symlet 7 and periodic boundaries. λ is 0.1 for LL, 0.01 for LH and HL, 0.05 for HH, and the low-pass
    filter sums to 1, as in the authors' code and settings. They use the luma in [16, 235]; here every channel
    is used, in its own range. (neosr's ``wavelet_guided`` weights other bands, of symlet 19.)
    """
    difference = half_spectrum(pred - target)  # the transform is linear
    height, width = pred.shape[-2:]
    by_row, by_column = (
        symlet_responses(side, difference.dtype, difference.device) for side in (height, width)
    )
    loss = difference.real.new_zeros(())
    for vertical in (0, 1):
        for horizontal in (0, 1):
            response = by_row[vertical][:, None] * by_column[horizontal][: width // 2 + 1]
            band = image_of(difference * response, width)
            loss = loss + BAND_WEIGHTS[vertical + horizontal] * band.abs().mean()
    return loss


@_checked(smallest=4)
def binned_spectral_power(pred: Tensor, target: Tensor) -> Tensor:
    """BSP loss of Chakraborty, Mohan and Maulik, arXiv 2502.00472, Algorithm 1; images in [-1, 1].

    Mean over images and rings k of the sum over channels of (1 - (E_k(pred) + ε) / (E_k(target) + ε))². E_k
    is the mean of |F|²/2 on the ring of radius k = 1 ... M/2 - 1, one frequency wide; all rings have equal
    weight. Phases are ignored. ε, half the power of rounding to 8 bits, is this package's choice. Images have
    at least 4x4 pixels.
    """
    energies = [
        _mean_on_rings(power(half_spectrum(images)) / 2, images.shape[-1])[..., 1:]
        for images in (pred, target)
    ]
    generated, real = (energy + ROUNDING_POWER / 2 for energy in energies)
    loss: Tensor = (1 - generated / real).square().sum(1).mean()
    return loss


def _cached(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Decorator: cache a function's result per size, dtype and device."""

    @lru_cache(maxsize=8)
    @wraps(make)
    def cached(*arguments: Any) -> Tensor:
        with torch.inference_mode(False):  # a cached inference tensor could not be used in training
            made: Tensor = make(*arguments)
        return made

    return cached


@_cached
def dct_matrix(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the orthonormal DCT-II, (size, size): row k is cos(π (2x + 1) k / 2 size), scaled to norm 1."""
    x = torch.arange(size, dtype=torch.float64, device="cpu")
    matrix = torch.cos(math.pi * (2 * x + 1) * x[:, None] / (2 * size)) * (2 / size) ** 0.5
    matrix[0] /= 2**0.5
    placed: Tensor = matrix.to(device, dtype)
    return placed


# The low-pass filter of symlet 7, with norm 1; weights of bands high-pass along 0, 1 or 2 axes.
SYMLET = (
    0.002681814568257878, -0.0010473848886829163, -0.01263630340325193, 0.03051551316596357,
    0.0678926935013727, -0.049552834937127255, 0.017441255086855827, 0.5361019170917628, 0.767764317003164,
    0.2886296317515146, -0.14004724044296152, -0.10780823770381774, 0.004010244871533663,
    0.010268176708511255,
)  # fmt: skip
BAND_WEIGHTS = (0.1, 0.01, 0.05)


@_cached
def symlet_responses(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return symlet 7's responses at each frequency of a side, (2, size): low pass, with sum 1; high pass."""
    low = torch.tensor(SYMLET, dtype=torch.float64, device="cpu")
    high = low.flip(0) * torch.tensor([-1.0, 1.0], dtype=torch.float64, device="cpu").repeat(len(SYMLET) // 2)
    taps = torch.stack((low / low.sum(), high))
    place = torch.arange(len(SYMLET), device="cpu") % size  # a side may be shorter than the filter
    around = torch.zeros(2, size, dtype=torch.float64, device="cpu").index_add_(1, place, taps)
    responses: Tensor = torch.fft.fft(around).to(device, dtype)
    return responses


@_cached
def ring_shares(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the weight of each entry of a half spectrum in the mean on its ring: (H · (W//2 + 1),)."""
    rings = ring_indices(height, width, torch.device("cpu"))
    counts = column_multiplicity(width, torch.empty(0, dtype=torch.float64, device="cpu")).repeat(height)
    totals = torch.zeros(min(height, width) // 2 + 1, dtype=torch.float64, device="cpu").index_add_(
        0, rings, counts
    )
    return (counts / totals[rings]).to(device, dtype)


@_cached
def ring_indices(height: int, width: int, device: torch.device) -> Tensor:
    """Return each half-spectrum entry's rounded radius, capped at min(H, W)//2: (H · (W//2 + 1),)."""
    v = torch.fft.fftfreq(height, 1 / height, dtype=torch.float64, device="cpu")
    u = torch.fft.rfftfreq(width, 1 / width, dtype=torch.float64, device="cpu")
    radius = torch.hypot(v[:, None], u).round().long().flatten()
    return radius.clamp_max(min(height, width) // 2).to(device)


def _mean_on_rings(half: Tensor, width: int) -> Tensor:
    """Mean on the rings of radius 0 ... M/2 - 1, M = min(H, W): (..., H, W//2 + 1) -> (..., M/2)."""
    height = half.shape[-2]
    shares = ring_shares(height, width, half.dtype, half.device)
    indices = ring_indices(height, width, half.device)
    rings = min(height, width) // 2
    means = half.new_zeros((*half.shape[:-2], rings + 1)).index_add(-1, indices, half.flatten(-2) * shares)
    return means[..., :rings]


def _focal_mean(distance: Tensor, width: int = 0) -> Tensor:
    """Mean of w d over whole spectra; ``width`` is the image width if ``distance`` covers half spectra."""
    weight = distance.detach().sqrt()
    weight = weight / weight.amax((-2, -1), keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny)
    return _mean(weight * distance, width) if width else (weight * distance).mean()


def _mean(half: Tensor, width: int) -> Tensor:
    """Mean over a whole spectrum given its half: (N, C, H, W//2 + 1) -> scalar."""
    return (half * column_multiplicity(width, half)).sum() / (half[..., 0].numel() * width)
