"""The change of a metric from before to after, with its confidence interval.

A comparison has two sources of uncertainty. The choice of images affects every number: the sampling error,
estimated from the images or by the jackknife. The seed determines the network, which only several trainings
per side can show (``seed_variance``). The interval is

    Δ ± t·√(sampling² + variance of seeds)

with Student's t and the degrees of freedom of Satterthwaite (1946), so it is never narrower than the images
alone imply.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import methodcaller
from typing import Optional

import numpy as np

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.basis import Basis
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.pairs import BETTER, PairScores
from ffl_plugin.metrics.seed_variance import Array, SamplingError, seed_variance, standard_deviation
from ffl_plugin.metrics.sides import Sides

IMPROVED, NO_EVIDENCE, WORSE = "improved", "no evidence", "worse"
LOWER, HIGHER, NEITHER = "lower", "higher", ""
LEVEL = 0.95


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        key: name in options and JSON, such as ``fid`` or ``psnr``.
        name: display name, such as ``FID``.
        direction: which is better, ``lower`` or ``higher``; empty if neither.
        unit: unit, such as ``dB``; empty for dimensionless numbers.
    """

    key: str
    name: str
    direction: str = LOWER
    unit: str = ""


FID, FID_LIMIT = Metric("fid", "FID"), Metric("fid_limit", "FID, bias-reduced")
PAIR_METRICS = {
    key: Metric(key, name, BETTER[key], unit)
    for key, name, unit in (
        ("psnr", "PSNR", "dB"),
        ("ssim", "SSIM", ""),
        ("lfd", "LFD", ""),
        ("mse", "MSE", ""),
        ("lpips", "LPIPS", ""),
    )
}


@dataclass(frozen=True)
class Difference:
    """One metric, before and after.

    Attributes:
        metric, name, direction, unit: key, name, better direction and unit of the ``Metric``.
        before, after: means over the trainings of each side.
        delta: after − before.
        basis: what the numbers depend on.
        low, high: interval of ``delta`` at the confidence ``level``; None with only one number per side.
        verdict: ``improved``, ``no evidence`` or ``worse``: whether the interval excludes 0, and where.
        before_trainings, after_trainings: the value of each training.
        sampling: standard error of ``delta`` from the finite number of images; None where unknown.
        training_spread: standard deviation between the values of one side's trainings, pooled; None with one
            each.
        change_spread: standard deviation of the change between seeds; None if trainings are not paired by
            seed, or with only one pair.
        note: remark for the reader of this number.
        decides: whether the verdict may be based on it; False with too few images.
        withheld: short reason why it has no verdict of its own.
    """

    metric: str
    name: str
    direction: str
    unit: str
    before: float
    after: float
    delta: float
    basis: Basis = field(default_factory=Basis)
    low: Optional[float] = None
    high: Optional[float] = None
    level: float = LEVEL
    verdict: str = NO_EVIDENCE
    before_trainings: tuple[float, ...] = ()
    after_trainings: tuple[float, ...] = ()
    sampling: Optional[float] = None
    training_spread: Optional[float] = None
    change_spread: Optional[float] = None
    note: str = ""
    decides: bool = True
    withheld: str = ""


def compare_values(
    metric: Metric,
    values: Sides[float],
    *,
    basis: Optional[Basis] = None,
    sampling: Optional[SamplingError] = None,
    degrees: float = math.inf,
    level: float = LEVEL,
    note: str = "",
) -> Difference:
    """Compare one number per training.

    Args:
        metric: the metric.
        values: value of each training; ``paired_seeds`` compares them pair by pair.
        basis: what the numbers depend on.
        sampling: maps weights of the trainings, (k_before + k_after,), to the standard error of the weighted
            sum of the values from the finite number of images.
        degrees: degrees of freedom of ``sampling``.
        level: confidence level of the interval.
        note: remark for the reader of the number.
    """
    means = [float(np.mean(side)) for side in (values.before, values.after)]
    error = None if sampling is None else sampling(_weights_of_difference(*values.counts))
    of_seeds = seed_variance(values, sampling)
    found = Difference(
        metric.key, metric.name, metric.direction, metric.unit, means[0], means[1], means[1] - means[0],
        basis=basis or Basis(), level=level, before_trainings=tuple(map(float, values.before)),
        after_trainings=tuple(map(float, values.after)), sampling=error,
        training_spread=standard_deviation(Sides(values.before, values.after)),
        change_spread=standard_deviation(values) if values.paired_seeds else None, note=note,
    )  # fmt: skip
    if (error is None and of_seeds is None) or not math.isfinite(found.delta):
        return found
    variance = (error or 0.0) ** 2
    uncertainty = variance**2 / degrees  # of the variance itself
    if of_seeds is not None:
        variance += of_seeds.variance
        uncertainty += of_seeds.uncertainty
    half = _half_width(variance, uncertainty, level)
    low, high = found.delta - half, found.delta + half
    return replace(found, low=low, high=high, verdict=verdict(low, high, metric.direction))


def compare_pairs(trainings: Sides[PairScores], *, level: float = LEVEL) -> list[Difference]:
    """Compare metrics of pairs image by image.

    Raises:
        FFLError: two trainings were not measured on the same images.
    """
    first = trainings.before[0]
    count = len(first.names)
    for scores in trainings:
        if sorted(scores.names) != sorted(first.names):
            raise FFLError("the trainings were measured on different images; test all on the same ones")
    differences = []
    for key in first.scores:
        images = np.stack([_by_image(scores, key, first.names) for scores in trainings])
        differences.append(
            compare_values(
                PAIR_METRICS[key],
                trainings.map(methodcaller("mean", key)),
                basis=Basis(counts={"pairs": count}),
                sampling=partial(_error_of_mean, images) if count > 1 and np.isfinite(images).all() else None,
                degrees=count - 1,
                level=level,
            )
        )
    return differences


def jackknife_error(left_out: Array, weights: Array) -> float:
    """Return the jackknife standard error of a weighted sum θ, √((g−1)/g·Σ(θ−θ̄)²), over g groups.

    Args:
        left_out: (g, k) the values of k trainings without each group.
        weights: (k,).
    """
    groups, sums = len(left_out), left_out @ weights
    return float(np.sqrt((groups - 1) / groups * np.sum((sums - sums.mean()) ** 2)))


def _weights_of_difference(count_before: int, count_after: int) -> Array:
    """Return the weights, one per training, of the difference of the means: after − before."""
    return np.repeat([-1 / count_before, 1 / count_after], [count_before, count_after])


def _half_width(variance: float, uncertainty: float, level: float) -> float:
    if variance == 0:
        return 0.0
    # A variance known without error gives the normal distribution.
    degrees = variance**2 / uncertainty if uncertainty else 1e9
    return student_quantile(degrees, level) * math.sqrt(variance)


def student_quantile(degrees: float, level: float = LEVEL) -> float:
    """Return the half-width of an interval in standard errors, by Student's t."""
    return float(require("scipy.special", "an interval").stdtrit(degrees, (1 + level) / 2))


def verdict(low: float, high: float, direction: str) -> str:
    """Return ``improved`` or ``worse`` if an interval excludes 0, else ``no evidence``."""
    if low <= 0 <= high or direction == NEITHER:
        return NO_EVIDENCE
    return IMPROVED if (high < 0) == (direction == LOWER) else WORSE


def _by_image(scores: PairScores, metric: str, names: Sequence[str]) -> Array:
    """Return the score of each image in the order of ``names``."""
    place = {name: index for index, name in enumerate(scores.names)}
    return np.asarray(scores.scores[metric], np.float64)[[place[name] for name in names]]


def _error_of_mean(images: Array, weights: Array) -> float:
    """Return the standard error of the mean over images of a weighted sum of the trainings' scores (k, n)."""
    return float(np.std(weights @ images, ddof=1) / math.sqrt(images.shape[1]))
