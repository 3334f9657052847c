"""Band-limited versions of an image: without its mean, or high, low or middle frequencies.

This is Figure 2 of the paper, for any image.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class BandLimited:
    """One column of the figure.

    Attributes:
        title: name of the filter.
        image: (H, W, 3) uint8, clipped to [0, 255].
        spectrum: (H, W) amplitude in dB, zero frequency in the middle; −inf where a frequency was removed.
    """

    title: str
    image: npt.NDArray[np.uint8]
    spectrum: npt.NDArray[np.float64]


def band_limited(
    image: Array, *, cutoff: float = 0.1, stop: tuple[float, float] = (0.15, 0.3)
) -> list[BandLimited]:
    """Apply the five filters of the paper's Figure 2 to one image.

    Args:
        image: (H, W, 3) uint8.
        cutoff: cutoff frequency of the low-pass and the high-pass, cycles per pixel.
        stop: (low, high) edges of the band-stop, cycles per pixel.

    Returns:
        The original image, and the image without the zero frequency, low-passed, high-passed and
        band-stopped. An image without its zero frequency has mean 0 and is mostly black, as in the paper.
    """
    import torch

    from ffl_plugin.spectrum import keep_frequencies, radial_frequency

    pixels = torch.from_numpy(np.asarray(image, dtype=np.float64)).permute(2, 0, 1)
    radius = radial_frequency(*pixels.shape[-2:])
    low, high = stop
    passbands = {
        "all frequencies": radius >= 0,
        "without the zero frequency": radius > 0,
        f"low-pass, up to {cutoff:g}": radius <= cutoff,
        f"high-pass, above {cutoff:g}": radius > cutoff,
        f"band-stop, {low:g} to {high:g}": (radius < low) | (radius > high),
    }
    power = torch.fft.fft2(pixels, norm="ortho").abs().square().mean(dim=0)
    columns = []
    for title, mask in passbands.items():
        filtered = keep_frequencies(pixels, mask).permute(1, 2, 0).round().clamp(0, 255)
        decibels = torch.where(mask, 10 * torch.log10(power + 1 / 12), -torch.inf)
        columns.append(
            BandLimited(title, filtered.to(torch.uint8).numpy(), torch.fft.fftshift(decibels).numpy())
        )
    return columns


def band_limits_png(columns: list[BandLimited], name: str) -> bytes:
    """Draw the spectra above the filtered images, one column per filter."""
    import matplotlib
    from matplotlib.figure import Figure

    from ffl_plugin.report import formatting
    from ffl_plugin.report.overview import STYLE
    from ffl_plugin.report.pictures import spectrum_limits

    low, high = spectrum_limits([columns[0].spectrum])
    with matplotlib.rc_context(STYLE):
        height, width = columns[0].image.shape[:2]
        size = (2.3 * len(columns), 2 * (2.2 * height / width + 0.3) + 0.4)
        figure = Figure(figsize=size, layout="constrained", dpi=120)
        figure.suptitle(formatting.readable(name))
        for column, axes in zip(columns, figure.subplots(2, len(columns), squeeze=False).T):
            axes[0].imshow(np.maximum(column.spectrum, low), cmap="gray", vmin=low, vmax=high)
            axes[0].set_title(column.title)
            axes[1].imshow(column.image)
            for axis in axes:
                axis.axis("off")
        data = io.BytesIO()
        figure.savefig(data, format="png")
    return data.getvalue()
