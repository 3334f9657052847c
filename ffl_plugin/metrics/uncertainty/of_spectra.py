"""Distances from the reals in frequency, before and after: the delete-a-group jackknife over folds.

A fold is left out of the real images and of all trainings at once: the reals are resampled too, and images at
the same position of each set (from one input or seed) are left out together. If a set is as close to the
reals as its noise, the mean-spectrum distance is quadratic in the folds instead of linear, hence the
second-order error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Callable

import numpy as np
import numpy.typing as npt

from ffl_plugin.metrics.basis import Basis
from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.metric import Metric
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.spectra import SpectralDistances, SpectralStatistics, spectral_distances
from ffl_plugin.metrics.uncertainty.difference import Difference, compare_values
from ffl_plugin.metrics.uncertainty.jackknife import delete_group_error, groups_left_out, second_order_error

_BLOCK = 1 << 13  # entries of an image at a time: 4 MB for three sets of 20 folds

PROFILE = Metric("profile_distance", "Radial log-power distance", unit="dB")
HIGH_BAND = Metric("high_band_gap", "High-band energy", unit="dB from real")
MEAN_SPECTRUM = Metric("mean_spectrum_distance", "Mean-spectrum distance")
# Metric -> its function of a set's distances.
DISTANCES: dict[Metric, Callable[[SpectralDistances], float]] = {
    PROFILE: lambda d: d.profile_distance,
    HIGH_BAND: lambda d: _gap(d.high_band_energy_ratio),
    MEAN_SPECTRUM: lambda d: d.mean_spectrum_distance,
}
ROOTS = (PROFILE, HIGH_BAND)  # roots of squares


def compare_spectra(real: SpectralStatistics, trainings: Sides[SpectralStatistics]) -> list[Difference]:
    """Compare sets by their distances from the real one in frequency.

    Raises:
        FFLError: image sizes differ.
    """
    sets = (real, *trainings)
    folds = min(len(statistics.counts) for statistics in sets)
    whole = spectral_values(sets)
    groups = compressed([_regrouped(statistics, folds) for statistics in sets])
    # The values without each fold, and without each two.
    one, two = (
        [
            spectral_values([group.without(*out) for group in groups])
            for out in groups_left_out(folds, how_many)
        ]
        for how_many in (1, 2)
    )
    basis = Basis(counts={"real": real.count, "generated": trainings.before[0].count})
    differences = []
    for metric in DISTANCES:
        values = [np.array([found[metric] for found in several]) for several in ([whole], one, two)]
        error = _error_of_roots if metric in ROOTS else second_order_error
        known = folds > 1 and all(np.isfinite(several).all() for several in values)
        differences.append(
            compare_values(
                metric,
                trainings.split(whole[metric]),
                basis=basis,
                sampling=partial(error, *values) if known else None,
                degrees=folds - 1,
            )
        )
    return differences


def spectral_values(sets: Sequence[SpectralStatistics]) -> dict[Metric, list[float]]:
    """Return each spectral metric of all sets but the first, which is the real one."""
    distances = [spectral_distances(fakes, sets[0], bands=1) for fakes in sets[1:]]
    return {metric: [of(d) for d in distances] for metric, of in DISTANCES.items()}


def _error_of_roots(whole: Array, one: Array, two: Array, weights: Array) -> float:
    """Return the standard error of a weighted sum of roots of squares; arguments as ``second_order_error``.

    This is the jackknife's, without correction, since roots are not quadratic in the folds. Near 0 a root has
    no slope: if two sets are as close to the reals as their noise, common variation moves both up or both
    down, and leaving out images does not show that it could have been the reverse. The squares
    show it: if the roots differ significantly but the squares do not, the error is that of the squares over
    the sum of the roots.
    """
    error = delete_group_error(one, weights)
    if abs(float(whole[0] @ weights)) <= 2 * error:
        return error
    squares = whole**2
    of_squares = second_order_error(squares, one**2, two**2, weights)
    if abs(float(squares[0] @ weights)) > 2 * of_squares:
        return error
    return max(error, of_squares / (2 * float(whole.mean())))


def compressed(sets: Sequence[SpectralStatistics]) -> list[SpectralStatistics]:
    """Project the images of all folds, of which only distances matter, to as many coordinates as folds."""
    images = [statistics.fold_images.reshape(len(statistics.counts), -1) for statistics in sets]
    entries, rows = images[0].shape[1], sum(map(len, images))
    products = np.zeros((rows, rows))
    for start in range(0, entries, _BLOCK):
        block = np.concatenate([flat[:, start : start + _BLOCK] for flat in images]).astype(np.float64)
        products += block @ block.T
    squares, basis = np.linalg.eigh(products)
    # Distances are means over the entries, which are fewer now.
    coordinates = basis * np.sqrt(np.maximum(squares, 0) * rows / entries)
    parts = np.split(coordinates, len(sets))
    return [replace(statistics, fold_images=part) for statistics, part in zip(sets, parts)]


def _regrouped(statistics: SpectralStatistics, folds: int) -> SpectralStatistics:
    """Merge folds so that ``folds`` remain; folds are sums, so they add up."""
    if len(statistics.counts) == folds:
        return statistics

    def joined(sums: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.stack([sums[fold::folds].sum(axis=0) for fold in range(folds)])

    return replace(
        statistics,
        counts=joined(statistics.counts),
        fold_profiles=joined(statistics.fold_profiles),
        fold_high_energy=joined(statistics.fold_high_energy),
        fold_images=joined(statistics.fold_images),
    )


def _gap(ratio: float) -> float:
    """Return the distance of an energy ratio from 1, in dB."""
    return abs(10 * math.log10(ratio)) if ratio > 0 else math.inf
