"""Arrays as PNG: photographs unchanged, spectra in grey, differences in a diverging colour map."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]

# The longest edge of a picture on the page; larger ones are downscaled.
LONGEST_EDGE = 256


def photograph_png(image: Array) -> bytes:
    """Encode an image (H, W, 3) uint8, downscaled to `LONGEST_EDGE` pixels."""
    return _encode(_reduce(Image.fromarray(image)))


def spectrum_png(decibels: Array, limits: tuple[float, float]) -> bytes:
    """Encode a log spectrum (H, W) in grey, black at ``limits[0]`` dB and white at ``limits[1]`` dB."""
    low, high = limits
    grey = np.clip((decibels - low) / max(high - low, 1e-12), 0, 1)
    return _encode(_reduce(Image.fromarray(np.round(grey * 255).astype(np.uint8))))


def difference_png(decibels: Array, limit: float) -> bytes:
    """Encode a difference of log spectra (H, W): blue at −``limit`` dB, white at 0, red at ``limit`` dB."""
    from matplotlib import colormaps

    scaled = np.clip(decibels / (2 * max(limit, 1e-12)) + 0.5, 0, 1)
    colours = colormaps["RdBu_r"](scaled, bytes=True)[..., :3]
    return _encode(_reduce(Image.fromarray(np.ascontiguousarray(colours))))


def spectrum_limits(spectra: Sequence[Array]) -> tuple[float, float]:
    """Return the limits of a common grey scale in dB: the 1st and 99.9th percentiles of all spectra."""
    values = np.concatenate([np.ravel(spectrum) for spectrum in spectra])
    low, high = np.percentile(values[np.isfinite(values)], (1, 99.9))
    return float(low), float(high)


def difference_limit(differences: Sequence[Array]) -> float:
    """Return the limit of a common diverging scale: the 99th percentile of magnitudes, at least 1 dB."""
    values = np.concatenate([np.abs(np.ravel(difference)) for difference in differences])
    return max(1.0, float(np.percentile(values[np.isfinite(values)], 99)))


def _reduce(picture: Image.Image) -> Image.Image:
    picture.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS)
    return picture


def _encode(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return data.getvalue()
