"""A plain delete-a-group jackknife of every metric, which benchmarks/coverage.py holds beside its own.

Image i of every set, the real one included, is in group i mod 20. A group leaves all sets at once, and the
standard error of a weighted sum of the trainings' values is √((g − 1)/g·Σ(θ₍ᵢ₎ − θ̄)²) (Shao and Tu 1995, The
Jackknife and Bootstrap, section 2.3), with g − 1 degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from coverage_world import Draw, logits_of, psnr_of, spectra_of_rows

from ffl_plugin.metrics.distribution import IS_SPLITS, NEIGHBOURS, SEED
from ffl_plugin.metrics.frechet import Statistics, factor_of, frechet_distance, positive
from ffl_plugin.metrics.metric import (
    FID,
    FID_LIMIT,
    INCEPTION_SCORE,
    KID,
    PAIR_METRICS,
    PRECISION,
    RECALL,
    Metric,
)
from ffl_plugin.metrics.neighbourhoods import precision_and_recall
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import (
    Difference,
    compare_values,
    delete_group_error,
    fewest_for_limit,
    limit_of_distance,
    spectral_values,
)

Array = Any
GROUPS = 20
# For a draw and the images that stay: the value of each metric, of every training.
Values = Callable[[Draw, Array], dict[Metric, list[float]]]


def jackknifed(metric: str, draw: Draw) -> list[Difference]:
    """Compare the trainings of one draw, with the error of the plain jackknife."""
    count = len(draw.real)
    groups = np.arange(count) % min(GROUPS, count)
    values = _spectra(draw) if metric == "spectra" else partial(VALUES[metric], draw)
    whole = values(np.ones(count, bool))
    left_out = [values(groups != group) for group in range(groups.max() + 1)]
    return [
        compare_values(
            of_metric,
            Sides(draw.before, draw.after).split(numbers),
            sampling=partial(delete_group_error, np.array([found[of_metric] for found in left_out])),
            degrees=groups.max(),
        )
        for of_metric, numbers in whole.items()
    ]


def _fid(draw: Draw, kept: Array) -> dict[Metric, list[float]]:
    real, sets = draw.real[kept], [rows[kept] for rows in (*draw.before, *draw.after)]
    found = {FID: [frechet_distance(rows, real) for rows in sets]}
    if len(kept) >= fewest_for_limit(real.shape[1]):
        found[FID_LIMIT] = [_limit(Statistics.of(rows), Statistics.of(real)) for rows in sets]
    return found


def _limit(a: Statistics, b: Statistics) -> float:
    """As ``frechet_limit``, also where a group less is fewer than it asks for."""
    factor = factor_of(a.covariance)
    eigenvalues = np.linalg.eigvalsh(factor @ b.covariance @ factor.T)
    traces = float(np.trace(a.covariance)), float(np.trace(b.covariance))
    counts = a.count or 0, b.count or 0
    return limit_of_distance(a.mean - b.mean, traces, eigenvalues[positive(eigenvalues)], counts)


def _kid(draw: Draw, kept: Array) -> dict[Metric, list[float]]:
    real = draw.real[kept]
    reals = _mean_within(real)
    sets = [rows[kept] for rows in (*draw.before, *draw.after)]
    return {KID: [_mean_within(rows) + reals - 2 * _kernel(rows, real).mean() for rows in sets]}


def _kernel(x: Array, y: Array) -> Array:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _mean_within(x: Array) -> float:
    kernel = _kernel(x, x)
    return float((kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1)))


def _inception_score(draw: Draw, kept: Array) -> dict[Metric, list[float]]:
    order = np.random.RandomState(SEED).permutation(len(kept))
    edges = [split * len(kept) // IS_SPLITS for split in range(1, IS_SPLITS)]
    splits = [chosen[kept[chosen]] for chosen in np.split(order, edges)]  # an image stays in its split
    found = []
    for rows in (*draw.before, *draw.after):
        logits = logits_of(rows).astype(np.float64)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        scores = []
        for chosen in splits:
            p = np.exp(log_p[chosen])
            scores.append(np.exp(np.mean(np.sum(p * (log_p[chosen] - np.log(p.mean(axis=0))), axis=1))))
        found.append(float(np.mean(scores)))
    return {INCEPTION_SCORE: found}


def _precision_recall(draw: Draw, kept: Array) -> dict[Metric, list[float]]:
    found = np.array(
        [
            precision_and_recall(draw.real[kept], rows[kept], neighbours=NEIGHBOURS)[0]
            for rows in (*draw.before, *draw.after)
        ]
    )
    return {PRECISION: found[:, 0].tolist(), RECALL: found[:, 1].tolist()}


def _pairs(draw: Draw, kept: Array) -> dict[Metric, list[float]]:
    sets = (*draw.before, *draw.after)
    return {PAIR_METRICS["psnr"]: [psnr_of(rows[kept], draw.targets[kept]).mean("psnr") for rows in sets]}


def _spectra(draw: Draw) -> Callable[[Array], dict[Metric, list[float]]]:
    sets = [spectra_of_rows(rows) for rows in (draw.real, *draw.before, *draw.after)]  # in the same groups

    def values(kept: Array) -> dict[Metric, list[float]]:
        gone = sorted({place % len(sets[0].counts) for place in np.flatnonzero(~kept)})
        return spectral_values([statistics.without(*gone) for statistics in sets])

    return values


VALUES: dict[str, Values] = {
    "fid": _fid,
    "kid": _kid,
    "is": _inception_score,
    "pr": _precision_recall,
    "pairs": _pairs,
}
