"""Which metrics of pairs can be had, and which pairs count.

Each metric needs images large enough, and LPIPS its weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ffl_plugin.metrics import pairs, perceptual
from ffl_plugin.metrics.decode import image_size
from ffl_plugin.metrics.pairs import PairScores
from ffl_plugin.metrics.perceptual import Lpips
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.results import ImagePairs
from ffl_plugin.metrics.similarity import SSIM_WINDOW

TOO_SMALL = "{} was not measured: it needs images of at least {side}x{side} pixels, and {} is {}x{}."

# PSNR of an image that differs from its target as by rounding to 8 bits: a squared error of 1/12.
EQUAL_PSNR = 10 * math.log10(255**2 * 12)


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

    missing = too_small("SSIM", SSIM_WINDOW)
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


def leave_equal_out(trainings: Sequence[PairScores]) -> tuple[list[PairScores], tuple[str, ...]]:
    """Leave out the pairs whose images are equal, or equal but for rounding, in any training.

    The PSNR of one such pair is infinite, and its LFD 0 where that of others is 10 or more: it alone would
    decide what is said of all. Where they are half of the pairs or more, they are what was done, and stay.

    Args:
        trainings: scores of the same images, PSNR among them.

    Returns:
        The scores of the other pairs, and a sentence on those left out, if there are any.
    """
    equal = sorted(
        {
            name
            for scores in trainings
            for name, psnr in zip(scores.names, scores.scores["psnr"])
            if psnr >= EQUAL_PSNR
        }
    )
    count = len(trainings[0].names)
    if not equal or 2 * len(equal) >= count:
        return list(trainings), ()
    names = ", ".join(equal[:3]) + (", …" if len(equal) > 3 else "")
    note = (
        f"{len(equal)} of {count} pairs left out of the metrics of pairs, since the two images are equal "
        f"({names}): such a pair has an infinite PSNR, and would decide alone."
    )
    return [scores.without(equal) for scores in trainings], (note,)
