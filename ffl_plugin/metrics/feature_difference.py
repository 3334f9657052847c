"""Metrics of features before and after: which are asked for, and what belongs beside each number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.difference import LEVEL, Difference
from ffl_plugin.metrics.distance import conditions, refuse_different_conditions
from ffl_plugin.metrics.distribution import IS_SPLITS, NEIGHBOURS, SEED
from ffl_plugin.metrics.distribution_difference import (
    FEWEST_NEIGHBOURS,
    FEWEST_SCORED,
    compare_inception_score,
    compare_kid,
    compare_precision_recall,
)
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.fid_difference import compare_fid
from ffl_plugin.metrics.frechet_limit import fewest_for_limit
from ffl_plugin.metrics.inception import FEATURES
from ffl_plugin.metrics.progress import Progress

# Metric -> the fewest images on each side that give an interval.
FEATURE_METRICS = {"fid": 4, "kid": 4, "is": FEWEST_SCORED, "pr": FEWEST_NEIGHBOURS}
ENOUGH_FOR_LIMIT = fewest_for_limit(FEATURES)
ENOUGH_FOR_KID = 32  # the fewest that benchmarks/coverage.py draws


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
    smallest = min(len(fakes) for fakes in (real, *before, *after))
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
        at_this_number, *limit = compare_fid(
            rows, *sides, ddof=real.protocol.ddof, paired=paired, level=level, progress=progress
        )
        with_covariance = conditions(real, before[0], covariance=True)
        at_this_number = replace(at_this_number, label=f"FID ({with_covariance})")
        if limit:
            why = "For this number of images, which make it too high, one generator more than another."
            distances = [replace(at_this_number, note=why), replace(limit[0], label=f"FID∞ ({words})")]
        else:
            why = (
                f"{smallest:,} are fewer than the {ENOUGH_FOR_LIMIT:,} that its {FEATURES:,} dimensions "
                "take, so it is far too high, one generator's more than another's"
            )
            distances = [_undecided(at_this_number, why)]
        found[:0] = distances
    if "kid" in metrics:
        kernel = compare_kid(rows, *sides, paired=paired, level=level, progress=progress)
        kernel = replace(kernel, label=f"KID ({words}; all pairs)")
        if smallest < ENOUGH_FOR_KID:
            kernel = _undecided(
                kernel, f"its interval was tried on {ENOUGH_FOR_KID} and more, not on {smallest}"
            )
        found.append(kernel)
    if "pr" in metrics:
        for share in compare_precision_recall(rows, *sides, level=level, progress=progress):
            found.append(replace(share, label=f"{share.label} ({words}; {NEIGHBOURS} neighbours)"))
    return found


def _undecided(found: Difference, why: str) -> Difference:
    """Keep a row from deciding, and say so first in its note."""
    note = f"Too few images for {found.label.partition(' ')[0]} to decide: {why}. {found.note}".strip()
    return replace(found, note=note, decides=False)
