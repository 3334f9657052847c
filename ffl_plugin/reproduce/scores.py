"""Scores of a trained model: the paper's metrics and the spectral ones, on 8-bit images written to disk.

The images stay in the output folder, so that ``ffl-patch compare`` or another tool can measure them again.
LPIPS, FID (by the protocol of pytorch-fid, as in the paper) and Inception Score are None without the weights
of their networks; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

import numpy as np
import torch
from PIL import Image
from torch import nn

from ffl_plugin.cache import cache_folder
from ffl_plugin.metrics.evaluation import evaluate
from ffl_plugin.metrics.feature_choice import choose_features
from ffl_plugin.metrics.metric import HIGHER, LOWER, NEITHER
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.report.model import plain
from ffl_plugin.reproduce.data import ImageArray, Split, to_tensor, to_uint8
from ffl_plugin.reproduce.models import ConvolutionalVAE
from ffl_plugin.reproduce.network_files import FID_AND_IS

Scores = dict[str, Optional[float]]  # None: not measured
BATCH_SIZE = 64
SAMPLING_SEED = 0  # the same latent vectors for every method


@dataclass(frozen=True)
class Metric:
    """A metric's label, direction (neither if 1 is best), decimals, and name in an evaluation if another."""

    label: str
    direction: str
    decimals: int
    evaluated: str = ""


METRICS = {
    "psnr": Metric("PSNR", HIGHER, 3),
    "ssim": Metric("SSIM", HIGHER, 4),
    "lpips": Metric("LPIPS", LOWER, 4),
    "fid": Metric("FID", LOWER, 2),
    "is": Metric("IS", HIGHER, 3),
    "lfd": Metric("LFD", LOWER, 3),
    "profile": Metric("profile dB", LOWER, 2, "radial profile, dB"),
    "high": Metric("high band", NEITHER, 3, "high-band energy ratio"),
    "mean spectrum": Metric("mean spectrum", LOWER, 1),
    "miou": Metric("mIoU", HIGHER, 1),
    "accuracy": Metric("accu", HIGHER, 1),
}
OF_SETS = ("fid", "is", "profile", "high", "mean spectrum")
# The paper does not report the Inception Score of reconstructions.
OF_RECONSTRUCTIONS = ("psnr", "ssim", "lpips", "fid", "lfd", "profile", "high", "mean spectrum")
METRICS |= {
    f"sample {name}": replace(METRICS[name], label=f"samples: {METRICS[name].label}") for name in OF_SETS
}


def score(model: nn.Module, split: Split, folder: Path, real: Path, progress: Progress) -> Scores:
    """Write the reconstructions of the test images into ``folder/images``, and measure them.

    The same for samples of a VAE, in ``folder/samples``, whose scores are prefixed with ``sample``.
    """
    images, samples = folder / "images", folder / "samples"
    write_images(reconstruct(model, split.test), images)
    scores = measure(images, real, OF_RECONSTRUCTIONS, progress)
    if isinstance(model, ConvolutionalVAE):
        write_images(draw_samples(model, len(split.test)), samples)
        of_samples = measure(samples, real, OF_SETS, progress)
        scores |= {f"sample {name}": value for name, value in of_samples.items()}
    return scores


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
    latents = torch.randn(count, model.latent, generator=generator).to(next(model.parameters()).device)
    return np.concatenate([to_uint8(model.decoder(part)) for part in torch.split(latents, BATCH_SIZE)])


def write_images(images: ImageArray, folder: Path) -> None:
    """Write (N, 3, H, W) uint8 as 00000.png, 00001.png, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{index:05d}.png", compress_level=1)


def measure(fake: Path, real: Path, names: tuple[str, ...], progress: Progress) -> Scores:
    """Measure keys of ``METRICS`` on a folder of images, paired with the real ones by name if need be.

    ``profile`` is the distance of their radial log-power profiles in dB; ``high`` the share of energy at
    0.25 cycles per pixel and above, relative to the real images (1 is ideal); ``mean spectrum`` the mean
    squared distance between the spectra of the mean images.
    """
    chosen = choose_features(metrics=[name for name in ("fid", "is") if name in names and FID_AND_IS.find()])
    others = ("pairs", "spectra") if "psnr" in names else ("spectra",)
    found = evaluate(
        real, fake, chosen, others=others, download=False, cache=cache_folder(), progress=progress
    )
    values = {one.metric: plain(one.value) for one in found.measurements}
    return {name: values.get(METRICS[name].evaluated or METRICS[name].label) for name in names}
