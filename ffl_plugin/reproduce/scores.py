"""Scores of a trained model: the paper's metrics and the spectral ones, on 8-bit images written to disk.

The images stay in the output folder, so that ``ffl-patch compare`` or another tool can measure them again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Optional

from PIL import Image

from ffl_plugin import metrics
from ffl_plugin.metrics.pair_choice import leave_equal_out
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce.data import ImageArray
from ffl_plugin.reproduce.learned import measure_inception, measure_lpips

Scores = dict[str, Optional[float]]  # None: not measured


@dataclass(frozen=True)
class Metric:
    """A metric's label, direction (``""`` if 1 is best) and number of decimals."""

    label: str
    better: str
    decimals: int


METRICS = {
    "psnr": Metric("PSNR", "higher", 3),
    "ssim": Metric("SSIM", "higher", 4),
    "lpips": Metric("LPIPS", "lower", 4),
    "fid": Metric("FID", "lower", 2),
    "is": Metric("IS", "higher", 3),
    "lfd": Metric("LFD", "lower", 3),
    "profile": Metric("profile dB", "lower", 2),
    "high": Metric("high band", "", 3),
    "mean spectrum": Metric("mean spectrum", "lower", 1),
    "sample fid": Metric("samples: FID", "lower", 2),
    "sample is": Metric("samples: IS", "higher", 3),
    "sample profile": Metric("samples: profile dB", "lower", 2),
    "sample high": Metric("samples: high band", "", 3),
    "sample mean spectrum": Metric("samples: mean spectrum", "lower", 1),
    "miou": Metric("mIoU", "higher", 1),
    "accuracy": Metric("accu", "higher", 1),
}


def write_images(images: ImageArray, folder: Path) -> None:
    """Write (N, 3, H, W) uint8 as 00000.png, 00001.png, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{index:05d}.png", compress_level=1)


def pair_scores(fake: Path, real: Path, progress: Progress) -> Scores:
    """Measure a folder of reconstructions against the folder of their originals (same names)."""
    pairs = metrics.open_pairs(fake, real)
    (measured,), _ = leave_equal_out(
        [metrics.measure_pairs(pairs, metrics=("psnr", "ssim", "lfd"), progress=progress)]
    )
    scores = {name: finite(measured.mean(name)) for name in measured.scores}
    return {**scores, "lpips": measure_lpips(pairs, progress)}


def set_scores(fake: Path, real: Path, progress: Progress) -> Scores:
    """Measure a folder of images against a folder of real ones as sets: no pairing.

    ``profile`` is the distance of their radial log-power profiles in dB; ``high`` the share of energy at
    0.25 cycles per pixel and above, relative to the real images (1 is ideal); ``mean spectrum`` the mean
    squared distance between the spectra of the mean images.
    """
    distances = metrics.spectral_distances(
        metrics.measure_spectra(metrics.open_images(fake)), _real_spectra(real)
    )
    scores = {
        "profile": distances.profile_distance,
        "high": distances.high_band_energy_ratio,
        "mean spectrum": distances.mean_spectrum_distance,
    }
    learned = measure_inception(fake, real, progress)
    return {**{name: finite(score) for name, score in scores.items()}, **learned}


def finite(score: float) -> Optional[float]:
    """Convert infinity, such as the PSNR of equal images, to None: JSON has no infinity."""
    return score if math.isfinite(score) else None


@lru_cache(maxsize=4)
def _real_spectra(real: Path) -> metrics.SpectralStatistics:
    """Measure the real images, once for all trainings."""
    return metrics.measure_spectra(metrics.open_images(real))
