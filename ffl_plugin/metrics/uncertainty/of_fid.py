"""FID before and after, for the given number of images and bias-reduced, each with its standard error.

FID of N images is biased upwards by about c/N, with a constant c that depends on the generator, so its change
depends on N; the distance in the limit does not, and needs only slightly more images than dimensions. Both
standard errors are infinitesimal jackknife estimates, from every image's influence: the reals are shared by
both sides, and fakes with the same name (one seed, one input) are paired, so common variation cancels.
Influences are estimated from the sample and are themselves noisy; where that noise is as large as they are,
their squares alone would make the interval √2 too wide. It is measured by tilting the weights of half of the
images, and up to half of its square is subtracted, as the second-order term of a U-statistic requires.
"""

from __future__ import annotations

from typing import Callable, Optional

import numpy as np

from ffl_plugin.metrics.frechet import Array, Rows, frechet_distance
from ffl_plugin.metrics.metric import FID, FID_LIMIT
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty.bias_reduction import fewest_for_limit
from ffl_plugin.metrics.uncertainty.difference import Difference, compare_values
from ffl_plugin.metrics.uncertainty.influence import Coupling
from ffl_plugin.metrics.uncertainty.jackknife import infinitesimal_error

Influence = Callable[[Coupling], tuple[Array, Array]]

# To second order all of the noise would be genuine; in the simulation of benchmarks/coverage.py the share is
# 0.5 to 0.9 for two very similar generators, 0.5 to 1.6 where they differ by noise.
_GENUINE = 0.8
_TILT = 0.1  # small enough for a derivative, large enough against rounding


def compare_fid(
    real: Rows,
    trainings: Sides[Rows],
    *,
    ddof: int = 1,
    paired: bool = False,
    progress: Optional[Progress] = None,
) -> list[Difference]:
    """Compare the Fréchet distances of feature sets (n, d) to the real one.

    Args:
        real: features of the real images.
        trainings: features of each training.
        ddof: of the covariance.
        paired: whether row i of every training has the same seed or input.
        progress: called as ``progress(done, total, what)``.

    Returns:
        ``fid``, with an interval for this number of images, and, if there are enough images, ``fid_limit``.
    """
    count, dimensions = min(len(rows) for rows in (real, *trainings)), real.shape[1]
    limit = count >= fewest_for_limit(dimensions)
    influences: list[Influence] = [Coupling.influence, *([Coupling.influence_on_limit] if limit else [])]
    # The fewer the images, the stronger the limit depends on the sampled eigenvalues and their noise.
    genuine = (
        _GENUINE,
        float(np.sqrt((1 - dimensions / count) * (1 - dimensions / len(real)))) if limit else 0.0,
    )
    errors = [_Error(paired, share) for share in genuine]
    values: list[list[float]] = [[] for _ in influences]
    for done, rows in enumerate(trainings, 1):
        values[0].append(frechet_distance(rows, real, ddof=ddof))
        coupling, tilted = (Coupling(rows, real, tilt=tilt) for tilt in (0.0, _TILT))
        if limit:
            values[1].append(coupling.limit())
        for error, influence in zip(errors, influences):
            error.add(influence(coupling), influence(tilted))
        if progress is not None:
            progress(done, len(trainings), "FID and its interval")
    return [
        compare_values(
            metric,
            trainings.split(numbers),
            sampling=error.of_sampling,
            degrees=count - 1,
        )
        for metric, numbers, error in zip((FID, FID_LIMIT), values, errors)
    ]


class _Error:
    """Collects the influence of every image on each training's value, and its noise.

    ``genuine`` is the share of the noise, as variance, that another sample of images would also have.
    """

    def __init__(self, paired: bool, genuine: float) -> None:
        self._paired, self._genuine = paired, genuine
        # Influences and their noise for every training: of its own images, and of the reals.
        self._plain: tuple[list[Array], list[Array]] = ([], [])
        self._noise: tuple[list[Array], list[Array]] = ([], [])

    def add(self, plain: tuple[Array, Array], tilted: tuple[Array, Array]) -> None:
        """Add a training's influences, of its own images and of the reals, plain and with tilted weights."""
        for place, (before, after) in enumerate(zip(plain, tilted)):
            self._plain[place].append(before)
            self._noise[place].append(own_effects(after - before) / _TILT)

    def of_sampling(self, weights: Array) -> float:
        """Return the standard error of the weighted sum of the trainings' values."""
        squares, noise = (
            infinitesimal_error(*kind, weights, paired=self._paired) ** 2
            for kind in (self._plain, self._noise)
        )
        return float(np.sqrt(squares - min(self._genuine * noise, squares) / 2))


def own_effects(change: Array) -> Array:
    """Subtract the common part of images at even and at odd positions, leaving each image's own effect."""
    centred: Array = change.copy()
    for parity in (0, 1):
        centred[parity::2] -= centred[parity::2].mean()
    return centred
