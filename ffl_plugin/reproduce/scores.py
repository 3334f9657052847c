"""Scores of a trained model: the paper's metrics and the spectral ones, on 8-bit images written to disk.

The images stay in the output folder, so that ``ffl-patch compare`` or another tool can measure them again.
LPIPS, FID (by the protocol of pytorch-fid, as in the paper) and Inception Score are None without the weights
of their networks; nothing is downloaded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Optional, cast

import numpy as np
import torch
from PIL import Image
from torch import nn

from ffl_plugin import metrics
from ffl_plugin.metrics import Extractor, Lpips
from ffl_plugin.metrics.metric import HIGHER, LOWER, NEITHER
from ffl_plugin.metrics.pair_choice import leave_equal_out
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce.data import ImageArray, Split, to_tensor, to_uint8
from ffl_plugin.reproduce.models import ConvolutionalVAE
from ffl_plugin.reproduce.network_files import FID_AND_IS, LPIPS

Scores = dict[str, Optional[float]]  # None: not measured
BATCH_SIZE = 64
SAMPLING_SEED = 0  # the same latent vectors for every method


@dataclass(frozen=True)
class Metric:
    """A metric's label, direction (neither if 1 is best) and number of decimals."""

    label: str
    direction: str
    decimals: int


METRICS = {
    "psnr": Metric("PSNR", HIGHER, 3),
    "ssim": Metric("SSIM", HIGHER, 4),
    "lpips": Metric("LPIPS", LOWER, 4),
    "fid": Metric("FID", LOWER, 2),
    "is": Metric("IS", HIGHER, 3),
    "lfd": Metric("LFD", LOWER, 3),
    "profile": Metric("profile dB", LOWER, 2),
    "high": Metric("high band", NEITHER, 3),
    "mean spectrum": Metric("mean spectrum", LOWER, 1),
    "miou": Metric("mIoU", HIGHER, 1),
    "accuracy": Metric("accu", HIGHER, 1),
}
OF_SETS = ("fid", "is", "profile", "high", "mean spectrum")
METRICS |= {
    f"sample {name}": replace(METRICS[name], label=f"samples: {METRICS[name].label}") for name in OF_SETS
}


def score_reconstruction(
    model: nn.Module, split: Split, folder: Path, real: Path, progress: Progress
) -> Scores:
    """Write the reconstructions of the test images into ``folder/images`` and measure them."""
    images = folder / "images"
    write_images(reconstruct(model, split.test), images)
    as_sets = set_scores(images, real, progress)
    del as_sets["is"]  # the paper does not report it for reconstructions
    return {**pair_scores(images, real, progress), **as_sets}


def score_vae(model: nn.Module, split: Split, folder: Path, real: Path, progress: Progress) -> Scores:
    """Write reconstructions and samples and measure both; scores of samples are prefixed with ``sample``."""
    scores = score_reconstruction(model, split, folder, real, progress)
    samples = folder / "samples"
    write_images(draw_samples(cast(ConvolutionalVAE, model), len(split.test)), samples)
    of_samples = set_scores(samples, real, progress)
    return {**scores, **{f"sample {name}": value for name, value in of_samples.items()}}


@torch.no_grad()
def reconstruct(model: nn.Module, images: ImageArray) -> ImageArray:
    """Run (N, 3, H, W) uint8 through an autoencoder (or the posterior mean of a VAE) and back to uint8."""
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(images), BATCH_SIZE):
        output = model(to_tensor(images[start : start + BATCH_SIZE]).to(device))
        parts.append(to_uint8(output if isinstance(output, torch.Tensor) else output.reconstruction))
    return np.concatenate(parts)


@torch.no_grad()
def draw_samples(model: ConvolutionalVAE, count: int) -> ImageArray:
    """Decode ``count`` draws of the prior: (count, 3, H, W) uint8."""
    generator = torch.Generator().manual_seed(SAMPLING_SEED)
    latents = torch.randn(count, model.latent, generator=generator)
    device = next(model.parameters()).device
    parts = [latents[start : start + BATCH_SIZE] for start in range(0, count, BATCH_SIZE)]
    return np.concatenate([to_uint8(model.decoder(part.to(device))) for part in parts])


def write_images(images: ImageArray, folder: Path) -> None:
    """Write (N, 3, H, W) uint8 as 00000.png, 00001.png, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{index:05d}.png", compress_level=1)


def pair_scores(fake: Path, real: Path, progress: Progress) -> Scores:
    """Measure a folder of reconstructions against the folder of their originals (same names)."""
    weights = LPIPS.find()
    measured = metrics.measure_pairs(
        metrics.open_pairs(fake, real),
        metrics=("psnr", "ssim", "lfd"),
        lpips=None if weights is None else _lpips(weights),
        progress=progress,
    )
    (scores,), _ = leave_equal_out([measured])
    means = {name: finite(scores.mean(name)) for name in scores.scores}
    return means if weights is not None else {**means, "lpips": None}


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
        "profile": finite(distances.profile_distance),
        "high": finite(distances.high_band_energy_ratio),
        "mean spectrum": finite(distances.mean_spectrum_distance),
    }
    weights = FID_AND_IS.find()
    if weights is None:
        return {**scores, "fid": None, "is": None}
    extractor, protocol = _extractor(weights), metrics.find_protocol("pytorch-fid")
    cache = real.with_name(f"{real.name}-features")  # computed once for all trainings
    reals = extractor.extract(metrics.open_images(real), protocol, cache=cache, progress=progress)
    fakes = extractor.extract(metrics.open_images(fake), protocol, progress=progress)
    return {**scores, "fid": metrics.fid(reals, fakes).value, "is": metrics.inception_score(fakes).value}


def finite(score: float) -> Optional[float]:
    """Convert infinity, such as the PSNR of equal images, to None: JSON has no infinity."""
    return score if math.isfinite(score) else None


_extractor, _lpips = lru_cache(maxsize=1)(Extractor), lru_cache(maxsize=1)(Lpips)


@lru_cache(maxsize=4)
def _real_spectra(real: Path) -> metrics.SpectralStatistics:
    """Measure the real images, once for all trainings."""
    return metrics.measure_spectra(metrics.open_images(real))
