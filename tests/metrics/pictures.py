"""Small images of real structure for the tests of this folder: a shaded disc on a gradient, with grain."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, height: int = 24, width: int = 32, grain: float = 12.0) -> np.ndarray:
    """Draw a seeded picture: uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    v, u = np.mgrid[0:height, 0:width]
    disc = np.hypot(v - random.uniform(0, height), u - random.uniform(0, width)) < random.uniform(
        3, height + 3
    )
    shade = 60 + 90 * u / width + 70 * disc
    tint = random.uniform(0.6, 1.0, 3)
    noisy = shade[:, :, None] * tint + random.normal(0, grain, (height, width, 3))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path
