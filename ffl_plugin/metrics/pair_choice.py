"""Which metrics of pairs can be had: each needs images large enough, and LPIPS its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ffl_plugin.metrics import pairs, perceptual
from ffl_plugin.metrics.decode import image_size
from ffl_plugin.metrics.perceptual import Lpips
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.results import ImagePairs

TOO_SMALL = "{} was not measured: it needs images of at least {side}x{side} pixels, and {} is {}x{}."


@dataclass(frozen=True)
class PairMetrics:
    """What to measure of pairs, and what a reader must know.

    Attributes:
        metrics: names in ``pairs.METRICS``.
        lpips: the network of LPIPS; None where it cannot be measured.
        missing: a sentence for every metric that is left out.
        notes: what is to be known of the weights.
    """

    metrics: tuple[str, ...]
    lpips: Optional[Lpips] = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def choose_pair_metrics(
    answered: ImagePairs,
    *,
    lpips: Optional[Path] = None,
    may_download: bool = True,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> PairMetrics:
    """Choose all metrics that the smallest of the real images and the weights at hand allow.

    Other arguments and ``FFLError`` as of ``find_lpips``.
    """
    name, (height, width) = _smallest(answered)

    def too_small(metric: str, side: int) -> tuple[str, ...]:
        small = min(height, width) < side
        return (TOO_SMALL.format(metric, name, width, height, side=side),) if small else ()

    missing = too_small("SSIM", pairs.SSIM_WINDOW)
    metrics = tuple(metric for metric in pairs.METRICS if metric != "ssim" or not missing)
    unfit = too_small("LPIPS", perceptual.SMALLEST)
    if unfit:
        return PairMetrics(metrics, missing=(*missing, *unfit))
    network, remarks = perceptual.find_lpips(
        lpips, may_download=may_download, device=device, progress=progress
    )
    if network is None:
        return PairMetrics(metrics, missing=(*missing, *remarks))
    return PairMetrics(metrics, network, missing, remarks)


def _smallest(answered: ImagePairs) -> tuple[str, tuple[int, int]]:
    """The real image with the shortest edge, and its (height, width), from the headers."""
    real = answered.real
    sizes = ((image_size(real.read_bytes(i), real.describe(i)), i) for i in range(len(real)))
    size, index = min(sizes, key=lambda found: min(found[0]))
    return real.describe(index), size
