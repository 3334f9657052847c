"""Batch averages, for generated images that have no target of their own."""

from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor

from ffl_plugin.distance import Weighting, compute_dtype, weighted_sum
from ffl_plugin.ranks import mean_over_ranks
from ffl_plugin.spectrum import half_spectrum, patches, power

# Power added to every frequency of the unitary DFT by rounding an image in [-1, 1] to 8 bits.
ROUNDING_POWER = (2 / 255) ** 2 / 12


def amplitude(power: Tensor) -> Tensor:
    """Return |F| from |F|², with gradient 0 where F is 0."""
    return power.clamp_min(torch.finfo(power.dtype).tiny).sqrt()


def log_power(power: Tensor) -> Tensor:
    """Return ln(|F|² + ε) from |F|²; ε stops frequencies that contain only rounding noise from dominating."""
    return (power + ROUNDING_POWER).log()


STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "batch-amplitude": amplitude,
    "batch-log-power": log_power,
}


def averaged_distance(
    pred: Tensor, target: Tensor, statistic: Callable[[Tensor], Tensor], weighting: Weighting, sync: bool
) -> Tensor:
    """Return the focal distance between two batches by a phase-free statistic: (N, C, H, W) twice -> ().

    D is the difference of the batch means of the statistic, a real function of |F|².
    """
    means = [_mean_statistic(images, statistic, weighting.patch_factor) for images in (pred, target)]
    if sync:
        means = mean_over_ranks(means, (pred.shape[0], target.shape[0]))
    distance = (means[0] - means[1]).square()
    total = weighted_sum(distance, pred.shape[3] // weighting.patch_factor, weighting)
    return (total / pred[0].numel()).squeeze(0)


def mean_images_of_all_ranks(pred: Tensor, target: Tensor) -> list[Tensor]:
    """Return the mean images of two batches over all processes, (N, C, H, W) twice -> (1, C, H, W) twice."""
    means = [mean_image(images) for images in (pred, target)]
    return mean_over_ranks(means, (pred.shape[0], target.shape[0]))


def mean_image(images: Tensor) -> Tensor:
    """Return the mean image of a batch, (N, C, H, W) -> (1, C, H, W), in at least float32.

    Computed as sum / N: the gradient of a sum is one expanded image; that of ``mean`` fills the batch.
    """
    return images.sum(0, keepdim=True, dtype=compute_dtype(images)) / images.shape[0]


def _mean_statistic(images: Tensor, statistic: Callable[[Tensor], Tensor], patch_factor: int) -> Tensor:
    """Return the batch mean of a statistic of half spectra: (N, C, H, W) -> (1, ..., w//2 + 1)."""
    spectra = half_spectrum(patches(images.to(compute_dtype(images)), patch_factor))
    return statistic(power(spectra)).mean(0, keepdim=True)
