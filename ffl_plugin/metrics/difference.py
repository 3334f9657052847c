"""Before and after: how far a metric moved, and how sure that is.

Two things make the same comparison come out differently another day. Another choice of images moves every
number: the error of sampling, from the images themselves or by the jackknife. Another seed gives another
network: the spread between trainings, which only several trainings per side can show. That spread holds a
part of the error of sampling already: the part τ that each training of a side has for itself, as from images
of its own. An interval counts it once, and is Student's,

    Δ ± t·√(sampling² + max(spread² − τ², 0)·(1/k_before + 1/k_after))

with the degrees of freedom of Welch and Satterthwaite, so that it is never narrower than images alone make
it. The error of sampling is known of every weighted sum of the values: of their difference it is "sampling",
and τ² is its mean square over the k_before + k_after − 2 orthonormal contrasts within the sides, as spread²
is the mean square of the contrasts themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Callable, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.pairs import BETTER, PairScores

Array = npt.NDArray[np.float64]
# The standard error, from the finite number of images, of Σ w·value over the trainings, those before first.
SamplingError = Callable[[Array], float]

IMPROVED, NO_EVIDENCE, WORSE = "improved", "no evidence", "worse"
LEVEL = 0.95

PAIR_LABELS = {"psnr": "PSNR, dB", "ssim": "SSIM", "lfd": "LFD", "mse": "MSE", "lpips": "LPIPS"}


@dataclass(frozen=True)
class Difference:
    """One metric, before and after.

    Attributes:
        metric: plain key, such as ``fid`` or ``psnr``.
        label: the metric with its unit and, in brackets, what the number depends on.
        better: ``lower`` or ``higher``: the direction of improvement.
        before, after: means over the trainings of each side.
        delta: after − before.
        low, high: interval of ``delta`` at ``level``; None where one number per side is all there is.
        verdict: ``improved``, ``no evidence`` or ``worse``: whether the interval excludes 0, and where.
        before_trainings, after_trainings: the value of each training.
        sampling: standard error of ``delta`` from the finite number of images; None where unknown.
        training_spread: standard deviation between the values of one side's trainings, pooled; None with one
            each.
        note: what a reader of this number must know.
        decides: whether a verdict on the trainings may rest on it; not where the images are too few.
    """

    metric: str
    label: str
    better: str
    before: float
    after: float
    delta: float
    low: Optional[float] = None
    high: Optional[float] = None
    level: float = LEVEL
    verdict: str = NO_EVIDENCE
    before_trainings: tuple[float, ...] = ()
    after_trainings: tuple[float, ...] = ()
    sampling: Optional[float] = None
    training_spread: Optional[float] = None
    note: str = ""
    decides: bool = True


def compare_values(
    metric: str,
    label: str,
    better: str,
    before: Sequence[float],
    after: Sequence[float],
    *,
    sampling: Optional[SamplingError] = None,
    degrees: float = math.inf,
    level: float = LEVEL,
    note: str = "",
) -> Difference:
    """Compare one number per training.

    Args:
        before, after: a value for each training.
        sampling: gives, for a weight (k_before + k_after,) per training, the standard error of the weighted
            sum of the values from the finite number of images.
        degrees: degrees of freedom of ``sampling``.
        level: confidence level of the interval.
        note: what a reader of the number must know.
    """
    means = [float(np.mean(side)) for side in (before, after)]
    spread = _spread(before, after)
    counts = len(before), len(after)
    error = None if sampling is None else sampling(_weights_of_difference(*counts))
    found = Difference(
        metric, label, better, means[0], means[1], means[1] - means[0], level=level,
        before_trainings=tuple(map(float, before)), after_trainings=tuple(map(float, after)),
        sampling=error, training_spread=spread, note=note,
    )  # fmt: skip
    if (error is None and spread is None) or not math.isfinite(found.delta):
        return found
    variance = (error or 0.0) ** 2
    uncertainty = variance**2 / degrees  # of the variance itself
    if spread is not None:
        within = 0.0 if sampling is None else _within_sides(sampling, *counts)
        share = 1 / counts[0] + 1 / counts[1]
        variance += max(spread**2 - within, 0.0) * share
        # What images alone make of the spread is known from them, and not from the few trainings.
        uncertainty += max(spread**4 - within**2, 0.0) * share**2 / (sum(counts) - 2)
    half = _half_width(variance, uncertainty, level)
    low, high = found.delta - half, found.delta + half
    return replace(found, low=low, high=high, verdict=verdict(low, high, better))


def compare_pairs(
    before: Sequence[PairScores], after: Sequence[PairScores], *, level: float = LEVEL
) -> list[Difference]:
    """Compare metrics of pairs; every image is its own control.

    Raises:
        FFLError: two trainings were not measured on the same images.
    """
    trainings = (*before, *after)
    names = before[0].names
    count = len(names)
    for scores in trainings:
        if sorted(scores.names) != sorted(names):
            raise FFLError("the trainings were not measured on the same images; test all on the same ones")
    differences = []
    for metric in before[0].scores:
        images = np.stack([_by_image(scores, metric, names) for scores in trainings])
        differences.append(
            compare_values(
                metric,
                f"{PAIR_LABELS[metric]} (N={count} pairs)",
                BETTER[metric],
                *([scores.mean(metric) for scores in side] for side in (before, after)),
                sampling=partial(_error_of_mean, images) if count > 1 and np.isfinite(images).all() else None,
                degrees=count - 1,
                level=level,
            )
        )
    return differences


def jackknife_error(left_out: Array, weights: Array) -> float:
    """Standard error of a weighted sum θ of values with each of g groups left out, √((g−1)/g·Σ(θ−θ̄)²).

    Args:
        left_out: (g, k) the values of k trainings without each group.
        weights: (k,).
    """
    groups, sums = len(left_out), left_out @ weights
    return float(np.sqrt((groups - 1) / groups * np.sum((sums - sums.mean()) ** 2)))


def _weights_of_difference(count_before: int, count_after: int) -> Array:
    """Return the weights, one per training, of the difference of the means: after − before."""
    return np.repeat([-1 / count_before, 1 / count_after], [count_before, count_after])


def _within_sides(sampling: SamplingError, count_before: int, count_after: int) -> float:
    """Variance of one training's value about the mean of its side that the images alone would make."""
    linear = require("scipy.linalg", "an interval")
    contrasts = linear.block_diag(linear.helmert(count_before), linear.helmert(count_after))
    return float(np.mean([sampling(contrast) ** 2 for contrast in contrasts]))


def _spread(before: Sequence[float], after: Sequence[float]) -> Optional[float]:
    """Standard deviation between trainings of one side, pooled over both; None with one each."""
    degrees = len(before) + len(after) - 2
    if degrees < 1 or not np.isfinite([*before, *after]).all():
        return None
    squares = sum(float(np.sum((np.asarray(side) - np.mean(side)) ** 2)) for side in (before, after))
    return math.sqrt(squares / degrees)


def _half_width(variance: float, uncertainty: float, level: float) -> float:
    if variance == 0:
        return 0.0
    # A variance that is known without error leaves the normal distribution.
    degrees = variance**2 / uncertainty if uncertainty else 1e9
    quantile = require("scipy.special", "an interval").stdtrit(degrees, (1 + level) / 2)
    return float(quantile) * math.sqrt(variance)


def verdict(low: float, high: float, better: str) -> str:
    """Say whether an interval excludes 0, and on which side: ``improved``, ``no evidence`` or ``worse``."""
    if low <= 0 <= high:
        return NO_EVIDENCE
    return IMPROVED if (high < 0) == (better == "lower") else WORSE


def _by_image(scores: PairScores, metric: str, names: Sequence[str]) -> Array:
    """Return the score of each image in the order of ``names``."""
    place = {name: index for index, name in enumerate(scores.names)}
    return np.asarray(scores.scores[metric], np.float64)[[place[name] for name in names]]


def _error_of_mean(images: Array, weights: Array) -> float:
    """Standard error of the mean over images of a weighted sum of the trainings' scores (k, n)."""
    return float(np.std(weights @ images, ddof=1) / math.sqrt(images.shape[1]))
