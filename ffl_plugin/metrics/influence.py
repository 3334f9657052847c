"""How much each image moves the Fréchet distance: its influence function.

With weights on the images, the distance of two sets is differentiable in them, and its derivative in the
direction of one feature x of set a is

    2 (μ_a − μ_b)·(x − μ_a) + |x − μ_a|² − (x − μ_a)ᵀ T (x − μ_a)

less its mean over the set, where T is the optimal transport map from a to b: with FᵀF = Σ_a,
T = F⁻¹ (F Σ_b Fᵀ)^½ F⁻ᵀ, and from b to a it is Fᵀ (F Σ_b Fᵀ)^−½ F. The variance of the distance over other
draws of the images is the sum of the squared influences over n² (the infinitesimal jackknife, Efron 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ffl_plugin.metrics.frechet import Array, Statistics

_BLOCK = 4096  # rows in float64 at a time


def frechet_influence(
    rows_a: npt.NDArray[Any], rows_b: npt.NDArray[Any], *, ddof: int
) -> tuple[Array, Array]:
    """Influence of every feature (n, d) and (m, d) on ``frechet_distance``: (n,) and (m,), each of mean 0."""
    if len(rows_a) > len(rows_b):
        of_b, of_a = frechet_influence(rows_b, rows_a, ddof=ddof)
        return of_a, of_b
    a, b = (Statistics.of(rows, ddof=ddof) for rows in (rows_a, rows_b))
    if len(rows_a) <= rows_a.shape[1]:
        factor = (rows_a - a.mean) / np.sqrt(len(rows_a) - ddof)
    else:
        values, vectors = np.linalg.eigh(a.covariance)
        kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
        factor = (vectors[:, kept] * np.sqrt(values[kept])).T
    squares, basis = np.linalg.eigh(factor @ b.covariance @ factor.T)
    kept = squares > squares[-1] * len(squares) * np.finfo(np.float64).eps
    root, basis = np.sqrt(squares[kept]), basis[:, kept]
    to_a = (basis / np.sqrt(root)).T @ factor  # G with GᵀG the map from b to a
    if len(rows_a) <= rows_a.shape[1]:
        transported_a = (basis**2 @ root) * (len(rows_a) - ddof)
    else:
        inverse = factor / np.sum(factor**2, axis=1, keepdims=True)
        to_b = (basis * np.sqrt(root)).T @ inverse  # G with GᵀG the map from a to b
        transported_a = _quadratic(rows_a, a.mean, to_b)
    shift = a.mean - b.mean
    of_a = _linear_and_square(rows_a, a.mean, shift) - transported_a
    of_b = _linear_and_square(rows_b, b.mean, -shift) - _quadratic(rows_b, b.mean, to_a)
    return of_a - of_a.mean(), of_b - of_b.mean()


def sampling_error(of_reals: Array, of_fakes: Sequence[Array], *, paired: bool) -> float:
    """Standard error of a difference from the influence of every image on it.

    Args:
        of_reals: (m,) of the real images, which all trainings share.
        of_fakes: (n,) for each training, negative for those before.
        paired: whether image i of every training came of the same seed or input, and so is drawn with them.
    """
    samples = [of_reals, *([np.sum(of_fakes, axis=0)] if paired else of_fakes)]
    return float(np.sqrt(sum(np.var(sample, ddof=1) / len(sample) for sample in samples if len(sample))))


def _quadratic(rows: npt.NDArray[Any], mean: Array, root: Array) -> Array:
    """|G (x − μ)|² for every row."""
    blocks = (rows[start : start + _BLOCK] - mean for start in range(0, len(rows), _BLOCK))
    return np.concatenate([np.sum((block @ root.T) ** 2, axis=1) for block in blocks])


def _linear_and_square(rows: npt.NDArray[Any], mean: Array, shift: Array) -> Array:
    """2 (μ − ν)·(x − μ) + |x − μ|² for every row."""
    blocks = (rows[start : start + _BLOCK] - mean for start in range(0, len(rows), _BLOCK))
    return np.concatenate([2 * block @ shift + np.sum(block**2, axis=1) for block in blocks])
