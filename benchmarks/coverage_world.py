"""What benchmarks/coverage.py draws, in the form that each metric takes, and what is true of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.fft import dct

from ffl_plugin.metrics.frechet import frechet_distance
from ffl_plugin.metrics.pairs import PairScores
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.spectra import SpectralStatistics
from ffl_plugin.metrics.spectral_sums import spectra_of
from ffl_plugin.metrics.uncertainty import (
    Difference,
    compare_fid,
    compare_inception_score,
    compare_kid,
    compare_pairs,
    compare_precision_recall,
    compare_spectra,
    kernel_distances,
    spectral_values,
)

Array = Any
CLASSES = 10
# What many images are, for the truth of metrics that do not depend on their number.
MANY = {"fid": 200_000, "kid": 10_000, "spectra": 5_000}

# What a generator makes of latent z and noise e, both (n, d); ``f`` mixes and rectifies.
Generator = Callable[[Callable[[Array], Array], Array, Array], Array]
SCENARIOS: dict[str, tuple[Generator, Generator]] = {
    "same": (lambda f, z, e: f(0.85 * z) + 0.1 * e, lambda f, z, e: f(0.85 * z) + 0.1 * e),
    "more variety": (lambda f, z, e: f(0.8 * z) + 0.15 * e, lambda f, z, e: f(0.9 * z) + 0.1 * e),
    "collapse fixed": (lambda f, z, e: f(0.3 * z), lambda f, z, e: f(0.9 * z)),
    "variety for a shift": (lambda f, z, e: f(0.75 * z), lambda f, z, e: f(z) + 0.15),
    "less noise": (lambda f, z, e: f(z) + 0.5 * e, lambda f, z, e: f(z) + 0.2 * e),
}


@dataclass(frozen=True)
class Draw:
    """Rows (n, d) of the reals, of the targets that paired fakes are held against, and of each training."""

    real: Array
    targets: Array
    before: list[Array]
    after: list[Array]


class World:
    """Draws reals and the fakes of one scenario."""

    def __init__(self, scenario: str, dimensions: int, decay: float, *, pictures: bool = False) -> None:
        """Make the mixing matrix.

        Args:
            scenario: of ``SCENARIOS``.
            dimensions: d; a square number for pictures.
            decay: exponent of the spectrum of standard deviations.
            pictures: whether that spectrum falls with spatial frequency, as photographs' does.
        """
        random = np.random.default_rng(5).normal(size=(dimensions, dimensions))
        basis = _waves(dimensions) if pictures else np.linalg.qr(random)[0]
        mixing = basis * np.arange(1, dimensions + 1)[:, None] ** -decay
        self._mixing = mixing * np.sqrt(dimensions / np.sum(mixing**2))
        self._generators = SCENARIOS[scenario]

    def draw(self, random: np.random.Generator, count: int, paired: bool, sizes: list[list[float]]) -> Draw:
        """Draw ``count`` rows of everything.

        Args:
            random: generator of all draws.
            count: number of rows.
            paired: whether row i of all trainings comes of the same latent.
            sizes: for each side, what the rows of each of its trainings are multiplied by.
        """
        shape = (count, len(self._mixing))
        real, shared = random.normal(size=(2, *shape))
        sides = []
        for generator, of_side in zip(self._generators, sizes):
            latents = [shared if paired else random.normal(size=shape) for _ in of_side]
            noises = random.normal(size=(len(of_side), *shape))
            sides.append(
                [
                    size * generator(self._rectified, latent, noise)
                    for size, latent, noise in zip(of_side, latents, noises)
                ]
            )
        return Draw(self._rectified(real), self._rectified(shared), *sides)

    def truth(self, metric: str, spread: float) -> dict[str, float]:
        """The change with very many images, in the mean over trainings, where it is other than with few.

        A training's rows are 1 + ``spread`` ξ times as large, with ξ normal, for which Gauss and Hermite's
        nodes stand.
        """
        if metric not in MANY:
            return {}
        nodes, weights = np.polynomial.hermite_e.hermegauss(5 if spread else 1)
        sizes = list(1 + spread * nodes)
        draw = self.draw(np.random.default_rng(1), MANY[metric], True, [sizes, sizes])
        values = [_limits(metric, draw.real, side) for side in (draw.before, draw.after)]
        changes = {name: np.array(values[1][name]) - values[0][name] for name in values[0]}
        return {name: float(change @ weights / weights.sum()) for name, change in changes.items()}

    def _rectified(self, z: Array) -> Array:
        return np.maximum(z @ self._mixing + 0.3, 0)


def compared(metric: str, draw: Draw, paired: bool, paired_seeds: bool = False) -> list[Difference]:
    """Compare the trainings of one draw."""
    trainings = Sides(draw.before, draw.after, paired_seeds)
    if metric == "fid":
        return compare_fid(draw.real, trainings, paired=paired)
    if metric == "kid":
        return [compare_kid(draw.real, trainings, paired=paired)]
    if metric == "is":
        return [compare_inception_score(trainings.map(logits_of), paired=paired)]
    if metric == "pr":
        return list(compare_precision_recall(draw.real, trainings))
    if metric == "spectra":
        return compare_spectra(spectra_of_rows(draw.real), trainings.map(spectra_of_rows))
    return compare_pairs(trainings.map(lambda rows: psnr_of(rows, draw.targets)))


def _waves(dimensions: int) -> Array:
    """Cosines over pictures of √d by √d, (d, d): a wave per row, the slowest first."""
    side = int(np.sqrt(dimensions))
    cosines = dct(np.eye(side), axis=0, norm="ortho")
    frequency = np.hypot(*np.indices((side, side))).ravel()
    return np.kron(cosines, cosines)[np.argsort(frequency, kind="stable")]


def _limits(metric: str, real: Array, trainings: list[Array]) -> dict[str, list[float]]:
    """Values of many rows, by the names of the differences that promise to hold them."""
    if metric == "fid":
        return {"fid_limit": [frechet_distance(rows, real) for rows in trainings]}
    if metric == "kid":
        return {"kid": list(kernel_distances(real, trainings).values)}
    found = spectral_values([spectra_of_rows(rows) for rows in (real, *trainings)])
    return {metric.key: numbers for metric, numbers in found.items()}


def logits_of(rows: Array) -> Array:
    """Class logits of features, (n, 10)."""
    weights = np.random.default_rng(9).normal(size=(rows.shape[1], CLASSES))
    return (rows @ weights / np.sqrt(rows.shape[1]) * 2).astype(np.float32)


def psnr_of(rows: Array, targets: Array) -> PairScores:
    """Scores of fakes against the targets of their latents, as of grey images with a range of 1."""
    names = tuple(map(str, range(len(rows))))
    return PairScores(names, {"psnr": -10 * np.log10(np.mean((rows - targets) ** 2, axis=1))})


def spectra_of_rows(rows: Array) -> SpectralStatistics:
    """Spectra of rows as grey images, (n, √d, √d, 3)."""
    side = int(np.sqrt(rows.shape[1]))
    grey = np.clip(np.rint(60 + 40 * rows), 0, 255).astype(np.uint8)
    return spectra_of(np.repeat(grey.reshape(len(rows), side, side, 1), 3, axis=3))
