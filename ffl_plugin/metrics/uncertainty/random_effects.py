"""The variance of a difference between two sides due to seeds, as a random-effects variance component.

Trainings and images are crossed random factors, as readers and cases in multi-reader studies (Obuchowski and
Rockette 1995). For independent trainings the mean square s² is that within the sides, with
k_before + k_after − 2 degrees of freedom; for trainings paired by seed it is that of the changes per seed,
with k − 1, as in the paired t-test (Student 1908): the effect of a seed common to both trainings cancels.

A mean square includes part of the sampling error: the part τ² that is independent between trainings, or
pairs. The component is therefore estimated by moments and truncated at zero, as in a random-effects model
with known sampling variances (Hedges 1983):

    max(s² − τ², 0)·share        share = 1/k_before + 1/k_after, or 1/k for pairs

s² is the mean square over orthonormal (Helmert) contrasts of the values, and τ² the mean square of the
sampling errors of the same contrasts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np

from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.sides import Sides

# Weights w -> standard error of Σ w·value over the trainings (before, then after) from the finite set of
# images.
SamplingError = Callable[[Array], float]


@dataclass(frozen=True)
class VarianceComponent:
    """The contribution of seeds to the variance of the difference.

    Attributes:
        variance: variance of the difference of the means due to seeds.
        uncertainty: squared variance over its degrees of freedom, a term of Satterthwaite's sum.
    """

    variance: float
    uncertainty: float


def variance_component(
    values: Sides[float], sampling: Optional[SamplingError]
) -> Optional[VarianceComponent]:
    """Estimate the contribution of seeds to the variance of the difference of the means.

    Args:
        values: value of each training.
        sampling: maps weights of the trainings to the standard error of the weighted sum of the values from
            the finite number of images; None if unknown.

    Returns:
        The contribution; None with one training per side, one pair, or a non-finite value.
    """
    contrasts = _contrasts(values)
    square = _mean_square(values, contrasts)
    if square is None:
        return None
    of_images = 0.0 if sampling is None else float(np.mean([sampling(row) ** 2 for row in contrasts]))
    before, after = values.counts
    share = 1 / before if values.paired_seeds else 1 / before + 1 / after
    return VarianceComponent(
        variance=max(square - of_images, 0.0) * share,
        # The images' part of the mean square is estimated from many images, not from the few trainings.
        uncertainty=max(square**2 - of_images**2, 0.0) * share**2 / len(contrasts),
    )


def standard_deviation(values: Sides[float]) -> Optional[float]:
    """Return the pooled standard deviation between trainings of a side, or between changes of pairs."""
    square = _mean_square(values, _contrasts(values))
    return None if square is None else math.sqrt(square)


def _contrasts(values: Sides[float]) -> Array:
    """Return orthonormal contrasts, (degrees of freedom, trainings): within the sides, or of pairs."""
    before, after = values.counts
    if before == after == 1:
        return np.empty((0, 2))
    linear = require("scipy.linalg", "an interval")
    if values.paired_seeds:
        of_pairs = linear.helmert(before)
        return np.hstack([-of_pairs, of_pairs])
    contrasts: Array = linear.block_diag(linear.helmert(before), linear.helmert(after))
    return contrasts


def _mean_square(values: Sides[float], contrasts: Array) -> Optional[float]:
    if not len(contrasts) or not np.isfinite(list(values)).all():
        return None
    # Contrasts ignore a common offset; subtracting it makes equal values give zero, not rounding errors.
    deviations = [np.asarray(side) - side[0] for side in (values.before, values.after)]
    return float(np.mean((contrasts @ np.concatenate(deviations)) ** 2))
