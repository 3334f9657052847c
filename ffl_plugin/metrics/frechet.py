"""The Fréchet distance between two Gaussians, in float64 and without a matrix square root.

For feature sets with means μ and covariances Σ (Dowson and Landau 1982; Heusel et al. 2017)

    d² = |μ_a − μ_b|² + tr Σ_a + tr Σ_b − 2 tr (Σ_a Σ_b)^½

and tr (Σ_a Σ_b)^½ is the sum of the singular values of F_a F_bᵀ for any factors with FᵀF = Σ, because the
non-zero eigenvalues of Σ_a Σ_b are their squares. Two factors are cheap: the centred features themselves if
there are fewer of them than dimensions, and the Cholesky factor otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[Any]  # features (n, d) of any real type

# Rows converted to float64 at a time, so that memory does not grow with the number of features.
_BLOCK = 4096


@dataclass(frozen=True)
class Statistics:
    """Mean (d,) and covariance (d, d) of ``count`` features; None if a file does not give the count."""

    mean: Array
    covariance: Array
    count: Optional[int] = None

    def __post_init__(self) -> None:
        """Refuse inconsistent shapes and non-finite values."""
        dimensions = self.mean.shape[0] if self.mean.ndim == 1 else -1
        if self.covariance.shape != (dimensions, dimensions):
            raise FFLError(
                "statistics are a mean (d,) and a covariance (d, d), "
                f"not {self.mean.shape} and {self.covariance.shape}"
            )
        refuse_not_finite(self.mean, self.covariance)

    @classmethod
    def of(cls, features: Any, *, ddof: int = 1) -> Statistics:
        """Compute the statistics of features (n, d), with the covariance divided by ``n − ddof``."""
        rows = _features(features)
        return cls.of_blocks(
            (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)), ddof=ddof
        )

    @classmethod
    def of_blocks(cls, blocks: Iterable[npt.NDArray[Any]], *, ddof: int = 1) -> Statistics:
        """Compute the statistics of blocks of features (m, d) in one pass and constant memory."""
        centre: Optional[Array] = None  # near the mean, to avoid cancellation
        total = scatter = np.zeros(0)
        count = 0
        for block in blocks:
            rows = block.astype(np.float64)
            refuse_not_finite(rows)
            if centre is None:
                centre = rows.mean(axis=0)
                total, scatter = np.zeros(rows.shape[1]), np.zeros((rows.shape[1], rows.shape[1]))
            rows -= centre
            total += rows.sum(axis=0)
            scatter += rows.T @ rows
            count += len(rows)
        _refuse_single(count, ddof)
        shift = total / count
        covariance = (scatter - count * np.outer(shift, shift)) / (count - ddof)
        return cls(shift if centre is None else centre + shift, covariance, count)


def frechet_distance(features_a: Any, features_b: Any, *, ddof: int = 1) -> float:
    """Fréchet distance of two feature sets (n, d) and (m, d): arrays or tensors of any real type.

    ``ddof=1`` divides the covariance by n − 1 (pytorch-fid, clean-fid), ``ddof=0`` by n (StyleGAN2-ADA).

    Raises ``FFLError`` for incompatible shapes, fewer than two features, and NaN or infinite values.
    """
    rows_a, rows_b = _features(features_a), _features(features_b)
    if rows_a.shape[1] != rows_b.shape[1]:
        raise FFLError(f"the features differ in dimension: {rows_a.shape} and {rows_b.shape}")
    for rows in (rows_a, rows_b):
        _refuse_single(len(rows), ddof)
    dimensions = rows_a.shape[1]
    if min(len(rows_a), len(rows_b)) > dimensions:
        return frechet_from_statistics(Statistics.of(rows_a, ddof=ddof), Statistics.of(rows_b, ddof=ddof))
    if len(rows_a) > dimensions:
        return frechet_to_statistics(rows_b, Statistics.of(rows_a, ddof=ddof), ddof=ddof)
    if len(rows_b) > dimensions:
        return frechet_to_statistics(rows_a, Statistics.of(rows_b, ddof=ddof), ddof=ddof)
    mean_a, factor_a = _centred(rows_a, ddof)
    mean_b, factor_b = _centred(rows_b, ddof)
    trace_of_root = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    return _assemble(mean_a - mean_b, float(np.sum(factor_a**2) + np.sum(factor_b**2)), float(trace_of_root))


def frechet_to_statistics(features: Any, statistics: Statistics, *, ddof: int = 1) -> float:
    """Fréchet distance of a few features (n, d) to ``Statistics``.

    Raises ``FFLError`` as ``frechet_distance``.
    """
    rows = _features(features)
    _refuse_single(len(rows), ddof)
    mean, factor = _centred(rows, ddof)
    return _from_factor(mean, factor, float(np.sum(factor**2)), statistics)


def frechet_from_statistics(a: Statistics, b: Statistics) -> float:
    """Fréchet distance of two ``Statistics``; raises ``FFLError`` if their dimensions differ."""
    return _from_factor(a.mean, factor_of(a.covariance), float(np.trace(a.covariance)), b)


def _from_factor(mean: Array, factor: Array, trace: float, other: Statistics) -> float:
    if mean.shape != other.mean.shape:
        raise FFLError(f"the features differ in dimension: {mean.shape[0]} and {other.mean.shape[0]}")
    # The eigenvalues of F_a Σ_b F_aᵀ are the squared singular values of F_a F_bᵀ.
    squares = np.linalg.eigvalsh(factor @ other.covariance @ factor.T)
    trace_of_root = float(np.sqrt(np.maximum(squares, 0.0)).sum())
    return _assemble(mean - other.mean, trace + float(np.trace(other.covariance)), trace_of_root)


def _assemble(shift: Array, traces: float, trace_of_root: float) -> float:
    # Rounding may give −1e-13 for equal sets; a squared distance is never negative.
    return max(float(shift @ shift) + traces - 2.0 * trace_of_root, 0.0)


def factor_of(covariance: Array) -> Array:
    """Return F (r, d) with FᵀF = covariance and r its numerical rank."""
    try:
        triangle: Array = np.linalg.cholesky(covariance).T
        return triangle
    except np.linalg.LinAlgError:
        # Rank-deficient: features that never fire, or hardly more features than dimensions. Excluding the
        # null space keeps the small eigenvalues above rounding errors.
        return principal_factor(covariance)


def principal_factor(covariance: Array) -> Array:
    """Return F (r, d) with FᵀF = covariance, orthogonal rows, and r its numerical rank."""
    values, vectors = np.linalg.eigh(covariance)
    nonzero = positive(values)
    factor: Array = (vectors[:, nonzero] * np.sqrt(values[nonzero])).T
    return factor


def positive(values: Array) -> npt.NDArray[np.bool_]:
    """Return which of the ascending eigenvalues exceed rounding errors."""
    nonzero: npt.NDArray[np.bool_] = values > values[-1] * len(values) * np.finfo(np.float64).eps
    return nonzero


def _centred(rows: npt.NDArray[Any], ddof: int) -> tuple[Array, Array]:
    """Return the mean (d,) and F (n, d) with FᵀF = covariance."""
    refuse_not_finite(rows)
    mean: Array = rows.mean(axis=0, dtype=np.float64)
    return mean, (rows - mean) / np.sqrt(len(rows) - ddof)


def _features(features: Any) -> npt.NDArray[Any]:
    rows = features.detach().cpu().numpy() if hasattr(features, "detach") else np.asarray(features)
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise FFLError(f"features must be numbers of shape (n, d), not {rows.dtype} of shape {rows.shape}")
    return rows


def refuse_not_finite(*arrays: npt.NDArray[Any]) -> None:
    """Raise ``FFLError`` if an array contains NaN or infinite values."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise FFLError("the features contain NaN or infinite values; extract them again")


def _refuse_single(count: int, ddof: int) -> None:
    if count < 2:
        raise FFLError(f"a covariance needs at least 2 features, not {count}; pass more images")
    if ddof not in (0, 1):
        raise FFLError(f"ddof must be 0 (divide by n) or 1 (divide by n - 1), not {ddof}")
