"""Feature metrics before and after, each with its basis and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.cmmd import SETTINGS as CMMD_SETTINGS
from ffl_plugin.metrics.distribution import KID_SETTINGS, NEIGHBOURS, SCORE_SETTINGS
from ffl_plugin.metrics.feature_choice import metric_on
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.measurement import basis_of, refuse_different_conditions
from ffl_plugin.metrics.metric import KID, Metric
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty.bias_reduction import REMAINING_BIAS, fewest_for_limit
from ffl_plugin.metrics.uncertainty.difference import NO_EVIDENCE, Difference
from ffl_plugin.metrics.uncertainty.of_distribution import (
    FEWEST_NEIGHBOURS,
    FEWEST_SCORED,
    compare_inception_score,
    compare_precision_recall,
)
from ffl_plugin.metrics.uncertainty.of_fid import compare_fid
from ffl_plugin.metrics.uncertainty.of_kernels import compare_cmmd, compare_kid

# Metric -> the fewest images per side for an interval.
FEATURE_METRICS = {"fid": 4, "kid": 4, "cmmd": 4, "is": FEWEST_SCORED, "pr": FEWEST_NEIGHBOURS}
AT_THIS_NUMBER = "For this number of images, with an upward bias that depends on the generator."
ENOUGH_FOR_KID = 32  # the fewest images drawn in benchmarks/coverage.py; also for CMMD


def compare_features(
    real: Features,
    trainings: Sides[Features],
    *,
    metrics: Sequence[str] = ("fid",),
    progress: Optional[Progress] = None,
) -> list[Difference]:
    """Compare metrics of trainings before and after, each given as a set of features.

    On features of a network other than Inception the metrics have other names (``metric_on``).

    Args:
        real: features of the real images.
        trainings: features of each training's images; those with equal names are treated as pairs.
        metrics: any of ``FEATURE_METRICS``.
        progress: called as ``progress(done, total, what)``.

    Raises:
        FFLError: features of different protocols or weights, or too few images for an interval.
    """
    for fakes in trainings:
        refuse_different_conditions(real, fakes)
        for metric in metrics:
            if min(len(real), len(fakes)) < FEATURE_METRICS[metric]:
                fewest = FEATURE_METRICS[metric]
                raise FFLError(f"an interval of {metric.upper()} needs at least {fewest} images on each side")
    network = real.protocol.network
    paired = len({fakes.names for fakes in trainings}) == 1
    first = trainings.before[0]
    basis = basis_of(real, first)
    smallest = min(len(fakes) for fakes in (real, *trainings))
    found: list[Difference] = []
    if "is" in metrics:
        logits = trainings.map(lambda fakes: fakes.logits())
        score = compare_inception_score(logits, paired=paired)
        found.append(replace(score, basis=replace(basis_of(None, first), settings=(SCORE_SETTINGS,))))
        del logits
    rows = real.pool()
    pooled = trainings.map(lambda fakes: fakes.pool())
    if "fid" in metrics:
        distances = compare_fid(rows, pooled, ddof=real.protocol.ddof, paired=paired, progress=progress)
        bases = basis_of(real, first, covariance=True), basis
        distances = [replace(_named(row, network), basis=own) for row, own in zip(distances, bases)]
        found[:0] = _fid_with_notes(distances, smallest, real.dimensions, network)
    kernels: list[Difference] = []
    if "cmmd" in metrics:
        published, unbiased = compare_cmmd(rows, pooled, paired=paired, progress=progress)
        published = replace(published, note=AT_THIS_NUMBER)
        kernels += [
            replace(row, basis=replace(basis, settings=(CMMD_SETTINGS,))) for row in (published, unbiased)
        ]
    if "kid" in metrics:
        row = _named(compare_kid(rows, pooled, paired=paired, progress=progress), network)
        kernels.append(replace(row, basis=replace(basis, settings=(KID_SETTINGS,))))
    if smallest < ENOUGH_FOR_KID:
        why = f"its interval was validated for {ENOUGH_FOR_KID} or more, not for {smallest}"
        kernels = [_undecided(row, why) for row in kernels]
    found += kernels
    if "pr" in metrics:
        neighbours = replace(basis, settings=(f"{NEIGHBOURS} neighbours",))
        shares = compare_precision_recall(rows, pooled, progress=progress)
        found += [replace(_named(share, network), basis=neighbours) for share in shares]
    return found


def _named(row: Difference, network: str) -> Difference:
    """Rename a row for a network's features."""
    metric = metric_on(Metric(row.metric, row.name, row.direction, row.unit), network)
    return replace(row, metric=metric.key, name=metric.name)


def _fid_with_notes(
    distances: Sequence[Difference], smallest: int, dimensions: int, network: str
) -> list[Difference]:
    """Note the remaining bias of FID, and withhold the verdict on a smaller change."""
    at_this_number, *limit = distances
    if limit:
        return [replace(at_this_number, note=AT_THIS_NUMBER), _beyond_bias(at_this_number, limit[0], network)]
    why = (
        f"{smallest:,} are fewer than the {fewest_for_limit(dimensions):,} required for its {dimensions:,} "
        "dimensions, so it has a large upward bias that depends on the generator"
    )
    return [_undecided(at_this_number, why)]


def _beyond_bias(plain: Difference, reduced: Difference, network: str) -> Difference:
    """Call a change of bias-reduced FID improved or worse only if it exceeds the possible remaining bias.

    The remaining bias is positive on both sides and at most ``REMAINING_BIAS`` times the correction on each,
    so their difference is bounded by the same.
    """
    correction = max(plain.before - reduced.before, plain.after - reduced.after)
    remaining = REMAINING_BIAS * max(correction, 0.0)
    if abs(reduced.delta) > remaining or reduced.verdict == NO_EVIDENCE:
        return reduced
    note = (
        f"The bias correction for few images is {correction:.3g}, and {remaining:.2g} may remain, "
        f"which is more than the change; measure more images, or {metric_on(KID, network).name}, which is "
        "unbiased (--metrics fid,kid)."
    )
    return replace(reduced, verdict=NO_EVIDENCE, note=note)


def _undecided(found: Difference, why: str) -> Difference:
    """Exclude a row from the verdict, and begin its note with the reason."""
    note = f"Too few images for {found.name} to decide: {why}. {found.note}".strip()
    return replace(found, note=note, decides=False)
