"""Scores of an autoencoder's reconstructions of the test images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce.data import ImageArray, Split, to_tensor, to_uint8
from ffl_plugin.reproduce.scores import Scores, pair_scores, set_scores, write_images


@torch.no_grad()
def reconstruct(model: nn.Module, images: ImageArray, batch_size: int = 64) -> ImageArray:
    """Run (N, 3, H, W) uint8 through an autoencoder (or the posterior mean of a VAE) and back to uint8."""
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(images), batch_size):
        output = model(to_tensor(images[start : start + batch_size]).to(device))
        parts.append(to_uint8(output if isinstance(output, torch.Tensor) else output.reconstruction))
    return np.concatenate(parts)


def score_reconstruction(
    model: nn.Module, split: Split, folder: Path, real: Path, progress: Progress
) -> Scores:
    """Write the reconstructions of the test images into ``folder/images`` and measure them."""
    images = folder / "images"
    write_images(reconstruct(model, split.test), images)
    as_sets = set_scores(images, real, progress)
    del as_sets["is"]  # the paper does not report it for reconstructions
    return {**pair_scores(images, real, progress), **as_sets}
