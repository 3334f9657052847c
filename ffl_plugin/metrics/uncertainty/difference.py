"""The change of a metric from before to after, with its confidence interval.

A comparison has two sources of uncertainty. The choice of images affects every number: the sampling error,
estimated from the images or by the jackknife. The seed determines the network, which only several trainings
per side can show (``random_effects``). The interval is

    Δ ± t·√(sampling² + variance of seeds)

with Student's t and the degrees of freedom of Welch and Satterthwaite (1946): never narrower than the
images alone imply.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np

from ffl_plugin.metrics.basis import Basis
from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.metric import LOWER, NEITHER, Metric
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty.random_effects import (
    SamplingError,
    standard_deviation,
    variance_component,
)

IMPROVED, NO_EVIDENCE, WORSE = "improved", "no evidence", "worse"
LEVEL = 0.95


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
        note: remark for the reader of the number.
    """
    means = [float(np.mean(side)) for side in (values.before, values.after)]
    error = None if sampling is None else sampling(_weights_of_difference(*values.counts))
    of_seeds = variance_component(values, sampling)
    found = Difference(
        metric.key, metric.name, metric.direction, metric.unit, means[0], means[1], means[1] - means[0],
        basis=basis or Basis(), before_trainings=tuple(map(float, values.before)),
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
    half = _half_width(variance, uncertainty)
    low, high = found.delta - half, found.delta + half
    return replace(found, low=low, high=high, verdict=verdict(low, high, metric.direction))


def _weights_of_difference(count_before: int, count_after: int) -> Array:
    """Return the weights, one per training, of the difference of the means: after − before."""
    return np.repeat([-1 / count_before, 1 / count_after], [count_before, count_after])


def _half_width(variance: float, uncertainty: float) -> float:
    if variance == 0:
        return 0.0
    # A variance known without error gives the normal distribution.
    degrees = variance**2 / uncertainty if uncertainty else 1e9
    return student_quantile(degrees) * math.sqrt(variance)


def student_quantile(degrees: float) -> float:
    """Return the half-width of an interval in standard errors, by Student's t."""
    return float(require("scipy.special", "an interval").stdtrit(degrees, (1 + LEVEL) / 2))


def verdict(low: float, high: float, direction: str) -> str:
    """Return ``improved`` or ``worse`` if an interval excludes 0, else ``no evidence``."""
    if low <= 0 <= high or direction == NEITHER:
        return NO_EVIDENCE
    return IMPROVED if (high < 0) == (direction == LOWER) else WORSE
