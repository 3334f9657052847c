"""The Fréchet distance between two Gaussians, in float64 and without a matrix square root.

For feature sets with means μ and covariances Σ (Dowson and Landau 1982; Heusel et al. 2017)

    d² = |μ_a − μ_b|² + tr Σ_a + tr Σ_b − 2 tr (Σ_a Σ_b)^½

and tr (Σ_a Σ_b)^½ is the sum of the singular values of F_a F_bᵀ for any factors with FᵀF = Σ, because the
non-zero eigenvalues of Σ_a Σ_b are their squares. Two factors come without effort: the centred features
themselves when there are fewer of them than dimensions, and the Cholesky factor otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError

Array = npt.NDArray[np.float64]

# Rows converted to float64 at a time: memory stays flat however many features there are.
_BLOCK = 4096


@dataclass(frozen=True)
class Statistics:
    """Mean (d,) and covariance (d, d) of ``count`` features, the covariance divided by ``count − ddof``."""

    mean: Array
    covariance: Array
    count: int
    ddof: int

    def __post_init__(self) -> None:
        """Refuse shapes that do not belong together and values that are not finite."""
        dimensions = self.mean.shape[0] if self.mean.ndim == 1 else -1
        if self.covariance.shape != (dimensions, dimensions):
            raise FFLError(
                "statistics are a mean (d,) and a covariance (d, d), "
                f"not {self.mean.shape} and {self.covariance.shape}"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.covariance).all()):
            raise FFLError("the statistics hold NaN or infinite values; compute them again")

    @classmethod
    def of(cls, features: Any, *, ddof: int = 1) -> Statistics:
        """Take the statistics of features (n, d)."""
        rows = _features(features)
        _refuse_single(rows, ddof)
        mean = _mean(rows)
        scatter = np.zeros((rows.shape[1], rows.shape[1]))
        for start in range(0, len(rows), _BLOCK):
            centred = rows[start : start + _BLOCK].astype(np.float64) - mean
            scatter += centred.T @ centred
        return cls(mean, scatter / (len(rows) - ddof), len(rows), ddof)


def frechet_distance(features_a: Any, features_b: Any, *, ddof: int = 1) -> float:
    """Fréchet distance of two feature sets (n, d) and (m, d): arrays or tensors of any real type.

    ``ddof=1`` divides the covariance by n − 1 (pytorch-fid, clean-fid), ``ddof=0`` by n (StyleGAN2-ADA).

    Raises ``FFLError`` for shapes that do not fit, fewer than two features, and NaN or infinite values.
    """
    rows_a, rows_b = _features(features_a), _features(features_b)
    if rows_a.shape[1] != rows_b.shape[1]:
        raise FFLError(f"the features differ in dimension: {rows_a.shape} and {rows_b.shape}")
    for rows in (rows_a, rows_b):
        _refuse_single(rows, ddof)
    if max(len(rows_a), len(rows_b)) > rows_a.shape[1]:
        return frechet_from_statistics(Statistics.of(rows_a, ddof=ddof), Statistics.of(rows_b, ddof=ddof))
    mean_a, mean_b = _mean(rows_a), _mean(rows_b)
    factor_a = (rows_a.astype(np.float64) - mean_a) / np.sqrt(len(rows_a) - ddof)
    factor_b = (rows_b.astype(np.float64) - mean_b) / np.sqrt(len(rows_b) - ddof)
    trace_of_root = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    return _assemble(mean_a - mean_b, float(np.sum(factor_a**2) + np.sum(factor_b**2)), float(trace_of_root))


def frechet_from_statistics(a: Statistics, b: Statistics) -> float:
    """Fréchet distance of two ``Statistics``; raises ``FFLError`` when their dimensions differ."""
    if a.mean.shape != b.mean.shape:
        raise FFLError(f"the statistics differ in dimension: {a.mean.shape[0]} and {b.mean.shape[0]}")
    factor = _factor(a.covariance)
    # The eigenvalues of F_a Σ_b F_aᵀ are the squared singular values of F_a F_bᵀ.
    squares = np.linalg.eigvalsh(factor @ b.covariance @ factor.T)
    trace_of_root = float(np.sqrt(np.maximum(squares, 0.0)).sum())
    return _assemble(a.mean - b.mean, float(np.trace(a.covariance) + np.trace(b.covariance)), trace_of_root)


def _assemble(shift: Array, traces: float, trace_of_root: float) -> float:
    # Rounding may leave −1e-13 for equal sets; a squared distance is never negative.
    return max(float(shift @ shift) + traces - 2.0 * trace_of_root, 0.0)


def _factor(covariance: Array) -> Array:
    """Return F (r, d) with FᵀF = covariance and r its numerical rank."""
    try:
        triangle: Array = np.linalg.cholesky(covariance).T
        return triangle
    except np.linalg.LinAlgError:
        # Rank-deficient: features that never fire, or hardly more features than dimensions. Without the null
        # space the small eigenvalues below are not drowned in rounding errors.
        values, vectors = np.linalg.eigh(covariance)
        kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
        factor: Array = (vectors[:, kept] * np.sqrt(values[kept])).T
        return factor


def _mean(rows: npt.NDArray[Any]) -> Array:
    total = np.zeros(rows.shape[1])
    for start in range(0, len(rows), _BLOCK):
        total += rows[start : start + _BLOCK].sum(axis=0, dtype=np.float64)
    mean: Array = total / len(rows)
    if not np.isfinite(mean).all():
        raise FFLError("the features hold NaN or infinite values; extract them again")
    return mean


def _features(features: Any) -> npt.NDArray[Any]:
    rows = features.detach().cpu().numpy() if hasattr(features, "detach") else np.asarray(features)
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise FFLError(f"features are numbers of shape (n, d), not {rows.dtype} of shape {rows.shape}")
    return rows


def _refuse_single(rows: npt.NDArray[Any], ddof: int) -> None:
    if len(rows) < 2:
        raise FFLError(f"a covariance needs at least 2 features, not {len(rows)}")
    if ddof not in (0, 1):
        raise FFLError(f"ddof is 0 (divide by n) or 1 (divide by n - 1), not {ddof}")
