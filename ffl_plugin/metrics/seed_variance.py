"""What another seed would do to the difference between two sides: a variance component of random effects.

Trainings are a random factor, and images another that is crossed with it, as readers and cases are in
studies of several readers (Obuchowski and Rockette 1995). Of independent trainings the mean square s² is
that within the sides, with k_before + k_after − 2 degrees of freedom; of trainings paired by seed it is that
of the changes seed by seed, with k − 1, as in the paired t-test (Student 1908): what a seed does to both of
its trainings cancels.

A mean square holds a part of the error of sampling already: the part τ² that each training, or each pair, has
for itself, as from images of its own. So the component is estimated by moments and truncated at zero, as in a
random-effects model with known sampling variances (Hedges 1983):

    max(s² − τ², 0)·share        share = 1/k_before + 1/k_after, or 1/k of pairs

s² is the mean square over orthonormal (Helmert) contrasts of the values, and τ² the mean square of the
sampling errors of the same contrasts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.sides import Sides

Array = npt.NDArray[np.float64]
# The standard error, from the finite number of images, of Σ w·value over the trainings, those before first.
SamplingError = Callable[[Array], float]


@dataclass(frozen=True)
class SeedVariance:
    """What seeds add to the variance of the difference.

    Attributes:
        variance: of the difference of the means.
        uncertainty: the squared variance over its degrees of freedom, a term of Satterthwaite's sum.
    """

    variance: float
    uncertainty: float


def seed_variance(values: Sides[float], sampling: Optional[SamplingError]) -> Optional[SeedVariance]:
    """Estimate what seeds add to the variance of the difference of the means.

    Args:
        values: of each training.
        sampling: gives, for a weight per training, the standard error of the weighted sum of the values from
            the finite number of images; None where it is unknown.

    Returns:
        None where there is one training a side, or one pair, or a value is not finite.
    """
    contrasts = _contrasts(values)
    square = _mean_square(values, contrasts)
    if square is None:
        return None
    of_images = 0.0 if sampling is None else float(np.mean([sampling(row) ** 2 for row in contrasts]))
    before, after = values.counts
    share = 1 / before if values.paired_seeds else 1 / before + 1 / after
    return SeedVariance(
        variance=max(square - of_images, 0.0) * share,
        # What images alone make of the mean square is known from them, and not from the few trainings.
        uncertainty=max(square**2 - of_images**2, 0.0) * share**2 / len(contrasts),
    )


def spread(values: Sides[float]) -> Optional[float]:
    """Standard deviation between trainings of one side, pooled, or of the changes of pairs; or None."""
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
    # Contrasts ignore what a side has in common; without it, equal values give zero, not rounding errors.
    deviations = [np.asarray(side) - side[0] for side in (values.before, values.after)]
    return float(np.mean((contrasts @ np.concatenate(deviations)) ** 2))
