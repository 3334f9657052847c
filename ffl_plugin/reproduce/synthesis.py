"""Scores of a VAE: reconstructions of the test images, and samples from the prior."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce.data import ImageArray, Split, to_uint8
from ffl_plugin.reproduce.models import ConvolutionalVAE
from ffl_plugin.reproduce.reconstruction import score_reconstruction
from ffl_plugin.reproduce.scores import Scores, set_scores, write_images

SAMPLING_SEED = 0  # the same latent vectors for every method


@torch.no_grad()
def draw_samples(model: ConvolutionalVAE, count: int, batch_size: int = 64) -> ImageArray:
    """Decode ``count`` draws of the prior: (count, 3, H, W) uint8."""
    generator = torch.Generator().manual_seed(SAMPLING_SEED)
    latents = torch.randn(count, model.latent, generator=generator)
    device = next(model.parameters()).device
    parts = [latents[start : start + batch_size] for start in range(0, count, batch_size)]
    return np.concatenate([to_uint8(model.decoder(part.to(device))) for part in parts])


def score_vae(model: nn.Module, split: Split, folder: Path, real: Path, progress: Progress) -> Scores:
    """Write reconstructions and samples and measure both; scores of samples are prefixed with ``sample``."""
    scores = score_reconstruction(model, split, folder, real, progress)
    samples = folder / "samples"
    write_images(draw_samples(cast(ConvolutionalVAE, model), len(split.test)), samples)
    of_samples = set_scores(samples, real, progress)
    return {**scores, **{f"sample {name}": value for name, value in of_samples.items()}}
