"""Building blocks of the two-dimensional discrete Fourier transform (DFT) of real images.

All transforms are unitary (``norm="ortho"``), as in the paper, so Parseval's identity needs no factor. The
spectrum of a real image is Hermitian, F(-u, -v) = conj F(u, v), so only its left half is computed.
"""

from __future__ import annotations

import torch
from torch import Tensor


def half_spectrum(images: Tensor) -> Tensor:
    """Return the left half of the unitary DFT of the last two axes: (..., H, W) -> (..., H, W//2 + 1).

    Patches, a permuted view, are copied first: for a transform of a permuted input, torch.compile of torch
    2.13 generates code that writes beyond its buffer.
    """
    spectrum: Tensor = torch.fft.rfft2(images.contiguous(), norm="ortho")
    return spectrum


def image_of(spectrum: Tensor, width: int) -> Tensor:
    """Invert :func:`half_spectrum`: (..., H, W//2 + 1) -> (..., H, W), W being ``width``."""
    images: Tensor = torch.fft.irfft2(spectrum, s=(spectrum.shape[-2], width), norm="ortho")
    return images


def power(spectrum: Tensor) -> Tensor:
    """Return the squared modulus |F|² of a complex spectrum; differentiable at 0, unlike the modulus."""
    real, imaginary = torch.view_as_real(spectrum).unbind(-1)
    return torch.addcmul(real.square(), imaginary, imaginary)


def column_multiplicity(width: int, like: Tensor) -> Tensor:
    """Return how often each column of a half spectrum occurs in the whole: (W//2 + 1,), values 1 and 2.

    Column v of the whole spectrum mirrors column W - v. Column 0, and column W/2 of an even width, mirror
    themselves; every other column of the half spectrum stands for two.
    """
    multiplicity = torch.full((width // 2 + 1,), 2.0, dtype=like.dtype, device=like.device)
    multiplicity[0] = 1
    if width % 2 == 0:
        multiplicity[-1] = 1
    return multiplicity


def fold(matrix: Tensor) -> Tensor:
    """Fold real weights of the whole spectrum, (..., H, W), onto its left half, (..., H, W//2 + 1).

    F(u, v) and F(-u, -v) have the same modulus, so the mean of their two weights applies to both.
    """
    mirrored = matrix.flip(-2, -1).roll((1, 1), (-2, -1))
    return ((matrix + mirrored) / 2)[..., : matrix.shape[-1] // 2 + 1]


def patches(images: Tensor, factor: int) -> Tensor:
    """View images as a grid of patches: (N, C, H, W) -> (N, factor, factor, C, h, w), h = H / factor.

    With ``factor`` 1 the images are returned unchanged, with four axes.
    """
    if factor == 1:
        return images
    n, c, height, width = images.shape
    return images.view(n, c, factor, height // factor, factor, width // factor).permute(0, 2, 4, 1, 3, 5)


def radial_frequency(height: int, width: int) -> Tensor:
    """Return the radial frequency √(u² + v²) of each entry of a whole spectrum: (H, W), float64.

    In cycles per pixel, zero frequency first. 0.5 along an axis is the Nyquist frequency; √0.5 is the corner.
    """
    rows = torch.fft.fftfreq(height, dtype=torch.float64)
    columns = torch.fft.fftfreq(width, dtype=torch.float64)
    return torch.hypot(rows[:, None], columns[None, :])


def keep_frequencies(images: Tensor, mask: Tensor) -> Tensor:
    """Filter images by a mask over their spectra (the paper's Figure 2). An ideal filter rings at edges.

    Args:
        images: (..., H, W), real.
        mask: (H, W), bool, zero frequency first; True where a frequency is kept. A mask of radial frequencies
            is symmetric under (u, v) -> (-u, -v), so the result is real.

    Returns:
        (..., H, W), of the same dtype.
    """
    filtered: Tensor = torch.fft.ifft2(torch.fft.fft2(images, norm="ortho") * mask, norm="ortho").real
    return filtered
