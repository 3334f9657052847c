"""Averages over a batch: what is compared when generated images have no targets of their own."""

from __future__ import annotations

from typing import Any, Callable

import torch
from torch import Tensor

from ffl_plugin.distance import Weighting, at_least_single, weighted_sum
from ffl_plugin.ranks import mean_over_ranks
from ffl_plugin.spectrum import half_spectrum, patches, power
from ffl_plugin.tracing import is_traced

# The power at every frequency of the unitary DFT that rounding to 8 bits adds to an image in [-1, 1].
ROUNDING_POWER = (2 / 255) ** 2 / 12


def amplitude(power: Tensor) -> Tensor:
    """Return |F| from |F|², with gradient 0 where F is 0."""
    return power.clamp_min(torch.finfo(power.dtype).tiny).sqrt()


def log_power(power: Tensor) -> Tensor:
    """Return ln(|F|² + ε) from |F|²; ε keeps frequencies that hold nothing but rounding from dominating."""
    return (power + ROUNDING_POWER).log()


STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "batch-amplitude": amplitude,
    "batch-log-power": log_power,
}


def averaged_distance(
    pred: Tensor, target: Tensor, statistic: Callable[[Tensor], Tensor], weighting: Weighting, sync: bool
) -> Tensor:
    """Return the focal distance of two batches by a statistic without phases: (N, C, H, W) twice -> (1,).

    D is the difference of the batch means of the statistic, a real function of |F|².
    """
    means = [_mean_statistic(images, statistic, weighting.patch_factor) for images in (pred, target)]
    if sync:
        means = mean_over_ranks(means, (pred.shape[0], target.shape[0]))
    distance = (means[0] - means[1]).square()
    return weighted_sum(distance, pred.shape[3] // weighting.patch_factor, weighting) / pred[0].numel()


def mean_images(pred: Tensor, target: Tensor, sync: bool) -> list[Tensor]:
    """Return the mean images of two batches, (N, C, H, W) twice -> (1, C, H, W) twice."""
    mean = mean_image if is_traced() else FusedMeanImage.apply
    means: list[Tensor] = [mean(images) for images in (pred, target)]
    return mean_over_ranks(means, (pred.shape[0], target.shape[0])) if sync else means


def mean_image(images: Tensor) -> Tensor:
    """Return the mean image of a batch, (N, C, H, W) -> (1, C, H, W), in float32 at least."""
    return images.mean(0, keepdim=True, dtype=at_least_single(images))


class FusedMeanImage(torch.autograd.Function):
    """:func:`mean_image`, reading the batch once; its gradient stays one image, expanded over the batch."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (1, C, H, W)."""
        ctx.count, ctx.dtype = images.shape[0], images.dtype
        single = images.dtype == at_least_single(images)
        if images.device.type == "cpu" and single and images.is_contiguous() and _exact_products():
            return _mean_by_product(images)
        return mean_image(images)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        """(1, C, H, W) -> (N, C, H, W), a view of one image."""
        gradient: Tensor = (grad_output / ctx.count).to(ctx.dtype)
        return gradient.expand(ctx.count, -1, -1, -1)


def _mean_by_product(images: Tensor) -> Tensor:
    """Return the mean image as a product of matrices, one per channel.

    On a CPU it takes half the time of ``mean(0)``, whose N streams, a power of two apart, evict each other
    from the cache. With ``out`` no autocast lowers its precision.
    """
    n, c, height, width = images.shape
    mean = images.new_empty((c, 1, height * width))
    torch.bmm(images.new_full((), 1 / n).expand(c, 1, n), images.view(n, c, -1).transpose(0, 1), out=mean)
    return mean.view(1, c, height, width)


def _exact_products() -> bool:
    """Whether products of float32 matrices are computed in float32, as they are unless asked otherwise."""
    try:
        return torch.get_float32_matmul_precision() == "highest"
    except RuntimeError:  # asked through the newer settings, one for each backend
        return False


def _mean_statistic(images: Tensor, statistic: Callable[[Tensor], Tensor], patch_factor: int) -> Tensor:
    """Return the batch mean of a statistic of half spectra: (N, C, H, W) -> (1, ..., w//2 + 1)."""
    spectra = half_spectrum(patches(images.to(at_least_single(images)), patch_factor))
    return statistic(power(spectra)).mean(0, keepdim=True)
