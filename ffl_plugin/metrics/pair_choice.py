"""The available metrics of pairs, and the pairs that are included.

Each metric needs a minimum image size, and LPIPS its weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ffl_plugin.metrics import pairs, perceptual
from ffl_plugin.metrics.decode import image_size
from ffl_plugin.metrics.one_pass import read_encoded
from ffl_plugin.metrics.pair_pass import SMALLEST, PairMeter, too_small
from ffl_plugin.metrics.pairs import PairScores
from ffl_plugin.metrics.perceptual import Lpips
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.results import ImagePairs

# PSNR of an image that differs from its target only by 8-bit rounding: a squared error of 1/12.
EQUAL_PSNR = 10 * math.log10(255**2 * 12)


@dataclass(frozen=True)
class PairMetrics:
    """Metrics to measure on pairs, and notes for the reader.

    Attributes:
        metrics: names in ``pairs.METRICS``.
        lpips: the network of LPIPS; None if it cannot be measured.
        missing: a sentence for every omitted metric.
        notes: remarks on the weights.
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
    """Choose all metrics for which weights are available.

    LPIPS is not searched for if the first real image is too small for it. Other arguments and ``FFLError``
    as for ``find_lpips``.
    """
    first = read_encoded(answered.real, 0)
    size = image_size(first.data, first.name)
    if min(size) < SMALLEST["lpips"]:
        return PairMetrics(pairs.METRICS, missing=(too_small("lpips", first.name, *size),))
    network, remarks = perceptual.find_lpips(
        lpips, may_download=may_download, device=device, progress=progress
    )
    if network is None:
        return PairMetrics(pairs.METRICS, missing=remarks)
    return PairMetrics(pairs.METRICS, network, notes=remarks)


def leave_small_out(meters: Sequence[PairMeter], choice: PairMetrics) -> tuple[list[PairScores], PairMetrics]:
    """Return the scores for which all pairs are large enough, and the choice with reasons for the others."""
    scores = [meter.result() for meter in meters]
    name, size = min((meter.smallest for meter in meters), key=lambda found: min(found[1]))
    small = [metric for metric in SMALLEST if min(size) < SMALLEST[metric]]
    if not small:
        return scores, choice
    left = [
        PairScores(one.names, {metric: one.scores[metric] for metric in one.scores if metric not in small})
        for one in scores
    ]
    missing = tuple(too_small(metric, name, *size) for metric in small)
    metrics = tuple(metric for metric in choice.metrics if metric not in small)
    lpips = None if "lpips" in small else choice.lpips
    return left, PairMetrics(metrics, lpips, missing, choice.notes if lpips is not None else ())


def leave_equal_out(trainings: Sequence[PairScores]) -> tuple[list[PairScores], tuple[str, ...]]:
    """Exclude pairs whose images are equal, or equal up to rounding, in any training.

    The PSNR of one such pair is infinite, and its LFD is 0 where that of others is 10 or more: it alone would
    determine the mean. If they are half of the pairs or more, they are intended, and stay.

    Args:
        trainings: scores of the same images, including PSNR.

    Returns:
        The scores of the other pairs, and a note on the excluded ones, if any.
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
        f"{len(equal)} of {count} pairs excluded from the metrics of pairs, because the two images are equal "
        f"({names}): such a pair has an infinite PSNR, which would dominate the mean."
    )
    return [scores.without(equal) for scores in trainings], (note,)
