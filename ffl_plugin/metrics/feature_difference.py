"""Metrics of features before and after: which are asked for, and what belongs beside each number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.difference import LEVEL, Difference
from ffl_plugin.metrics.distance import ENOUGH, conditions, refuse_different_conditions
from ffl_plugin.metrics.distribution import IS_SPLITS, NEIGHBOURS, SEED
from ffl_plugin.metrics.distribution_difference import FEWEST as FEWEST_NEIGHBOURS
from ffl_plugin.metrics.distribution_difference import (
    compare_inception_score,
    compare_kid,
    compare_precision_recall,
)
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.fid_difference import compare_fid
from ffl_plugin.metrics.progress import Progress

# Metric -> the fewest images on each side that give an interval.
FEATURE_METRICS = {"fid": 4, "kid": 4, "is": 2 * IS_SPLITS, "pr": FEWEST_NEIGHBOURS}


def compare_features(
    real: Features,
    before: Sequence[Features],
    after: Sequence[Features],
    *,
    metrics: Sequence[str] = ("fid",),
    level: float = LEVEL,
    progress: Optional[Progress] = None,
) -> list[Difference]:
    """Compare metrics of trainings before and after; a training is a set of features.

    Args:
        real: features of the real images.
        before, after: features of each training's images; those of equal names are taken as pairs.
        metrics: any of ``FEATURE_METRICS``.
        level: confidence level of the intervals.
        progress: called as ``progress(done, total, what)``.

    Raises:
        FFLError: features of different protocols or weights, or too few images for an interval.
    """
    for fakes in (*before, *after):
        refuse_different_conditions(real, fakes)
        for metric in metrics:
            if min(len(real), len(fakes)) < FEATURE_METRICS[metric]:
                fewest = FEATURE_METRICS[metric]
                raise FFLError(f"an interval of {metric.upper()} needs at least {fewest} images on each side")
    paired = len({fakes.names for fakes in (*before, *after)}) == 1
    words = conditions(real, before[0])
    found: list[Difference] = []
    if "is" in metrics:
        logits = [[fakes.logits() for fakes in side] for side in (before, after)]
        score = compare_inception_score(*logits, paired=paired, level=level)
        settings = f"{conditions(None, before[0])}; {IS_SPLITS} splits, seed {SEED}"
        found.append(replace(score, label=f"{score.label} ({settings})"))
        del logits
    rows = real.pool()
    sides = [[fakes.pool() for fakes in side] for side in (before, after)]
    if "fid" in metrics:
        distance = compare_fid(
            rows, *sides, ddof=real.protocol.ddof, paired=paired, level=level, progress=progress
        )
        smallest = min(len(fakes) for fakes in (real, *before, *after))
        found.insert(0, _with_its_number_of_images(distance, smallest, words))
    if "kid" in metrics:
        kernel = compare_kid(rows, *sides, paired=paired, level=level, progress=progress)
        found.append(replace(kernel, label=f"KID ({words}; all pairs)"))
    if "pr" in metrics:
        for share in compare_precision_recall(rows, *sides, level=level, progress=progress):
            found.append(replace(share, label=f"{share.label} ({words}; {NEIGHBOURS} neighbours)"))
    return found


def _with_its_number_of_images(distance: Difference, smallest: int, words: str) -> Difference:
    """Tell the conditions of a FID, and what too few images mean for it."""
    label = f"FID ({words})"
    if smallest >= ENOUGH:
        return replace(distance, label=label)
    few = (
        f"Too few images for FID to decide: {smallest:,} are fewer than its {ENOUGH:,} dimensions, so it is "
        "far too high, compares only at the same number of images, and its interval may miss the truth."
    )
    return replace(distance, label=label, note=f"{few} {distance.note}".strip(), decides=False)
