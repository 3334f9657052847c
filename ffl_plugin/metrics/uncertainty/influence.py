"""The influence function of the Fréchet distance: the effect of each image.

With weights on the images, the distance of two sets is differentiable in them, and its derivative in the
direction of one feature x of set a is

    2 (μ_a − μ_b)·(x − μ_a) + |x − μ_a|² − (x − μ_a)ᵀ T (x − μ_a)

less its mean over the set, where T is the optimal transport map from a to b. With FᵀF = Σ_a and U Λ Uᵀ = F
Σ_b Fᵀ, T = F⁻¹ U Λ^½ Uᵀ F⁻ᵀ, and from b to a it is Fᵀ U Λ^−½ Uᵀ F. For another function of the eigenvalues λ
than Σ √λ, such as its limit for infinitely many images, 2 ∂/∂λ replaces λ^−½.
"""

from __future__ import annotations

import numpy as np

from ffl_plugin.metrics.frechet import Array, Rows, positive, principal_factor
from ffl_plugin.metrics.uncertainty.bias_reduction import limit_of_distance, limit_of_root

_BLOCK = 4096  # rows in float64 at a time


class Coupling:
    """Two feature sets and the eigenvalues that couple their covariances.

    Args:
        rows_a, rows_b: features (n, d) and (m, d).
        ddof: both covariances are divided by the number of features minus this.
        tilt: images at even positions have weight 1 + tilt, those at odd ones 1 − tilt.
    """

    def __init__(self, rows_a: Rows, rows_b: Rows, *, ddof: int = 1, tilt: float = 0.0) -> None:
        self._swapped = len(rows_a) > len(rows_b)
        if self._swapped:
            rows_a, rows_b = rows_b, rows_a
        self._rows_a, self._rows_b = rows_a, rows_b
        count, dimensions = rows_a.shape
        self._few = count <= dimensions
        weights_a, weights_b = (_tilted(len(rows), tilt) for rows in (rows_a, rows_b))
        self._mean_a, self._mean_b = _mean(rows_a, weights_a), _mean(rows_b, weights_b)
        covariance_b = _covariance(rows_b, self._mean_b, weights_b, ddof)
        if self._few:
            # Row i of the factor, times this, is image i.
            self._unit = np.sqrt((count - ddof) / weights_a)
            self._factor: Array = (rows_a - self._mean_a) / self._unit[:, None]
            self._trace_a = float(np.sum(self._factor**2))
        else:
            covariance_a = _covariance(rows_a, self._mean_a, weights_a, ddof)
            self._factor = principal_factor(covariance_a)
            self._trace_a = float(np.trace(covariance_a))
        self._trace_b = float(np.trace(covariance_b))
        eigenvalues, basis = np.linalg.eigh(self._factor @ covariance_b @ self._factor.T)
        nonzero = positive(eigenvalues)
        self._eigenvalues, self._basis = eigenvalues[nonzero], basis[:, nonzero]

    def influence(self) -> tuple[Array, Array]:
        """Influence of every feature on ``frechet_distance``: (n,) and (m,), each with mean 0."""
        return self._influence(0.5 / np.sqrt(self._eigenvalues))

    def limit(self) -> float:
        """Distance for infinitely many images, estimated from this sample; requires ``ddof=1``."""
        return limit_of_distance(
            self._mean_a - self._mean_b,
            (self._trace_a, self._trace_b),
            self._eigenvalues,
            (len(self._rows_a), len(self._rows_b)),
        )

    def influence_on_limit(self) -> tuple[Array, Array]:
        """Influence of every feature on ``limit``, up to terms in 1/n: (n,) and (m,), each with mean 0."""
        return self._influence(limit_of_root(self._eigenvalues, len(self._rows_a), len(self._rows_b)))

    def _influence(self, derivatives: Array) -> tuple[Array, Array]:
        """``derivatives``: (r,) of the function that replaces the trace of the root, in every eigenvalue."""
        transport = 2 * derivatives * self._eigenvalues
        if self._few:
            transported_a: Array = (self._basis**2 @ transport) * self._unit**2
        else:
            inverse = self._factor / np.sum(self._factor**2, axis=1, keepdims=True)
            to_b = (self._basis * np.sqrt(transport)).T @ inverse  # G with GᵀG the map from a to b
            transported_a = _quadratic(self._rows_a, self._mean_a, to_b)
        to_a = (self._basis * np.sqrt(2 * derivatives)).T @ self._factor  # and from b to a
        transported_b = _quadratic(self._rows_b, self._mean_b, to_a)
        shift = self._mean_a - self._mean_b
        of_a = _linear_and_square(self._rows_a, self._mean_a, shift) - transported_a
        of_b = _linear_and_square(self._rows_b, self._mean_b, -shift) - transported_b
        both = of_a - of_a.mean(), of_b - of_b.mean()
        return both[::-1] if self._swapped else both


def frechet_influence(rows_a: Rows, rows_b: Rows, *, ddof: int) -> tuple[Array, Array]:
    """Influence of every feature (n, d) and (m, d) on ``frechet_distance``: (n,), (m,), each with mean 0."""
    return Coupling(rows_a, rows_b, ddof=ddof).influence()


def _tilted(count: int, tilt: float) -> Array:
    """1 + tilt at even positions, 1 − tilt at odd ones."""
    weights: Array = np.full(count, 1.0 + tilt)
    weights[1::2] = 1.0 - tilt
    return weights


def _mean(rows: Rows, weights: Array) -> Array:
    total: Array = np.zeros(rows.shape[1])
    for start in range(0, len(rows), _BLOCK):
        total += weights[start : start + _BLOCK] @ rows[start : start + _BLOCK]
    mean: Array = total / weights.sum()
    return mean


def _covariance(rows: Rows, mean: Array, weights: Array, ddof: int) -> Array:
    total: Array = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), _BLOCK):
        block = (rows[start : start + _BLOCK] - mean) * np.sqrt(weights[start : start + _BLOCK, None])
        total += block.T @ block
    return total / (len(rows) - ddof)


def _quadratic(rows: Rows, mean: Array, root: Array) -> Array:
    """|G (x − μ)|² for every row."""
    blocks = (rows[start : start + _BLOCK] - mean for start in range(0, len(rows), _BLOCK))
    return np.concatenate([np.sum((block @ root.T) ** 2, axis=1) for block in blocks])


def _linear_and_square(rows: Rows, mean: Array, shift: Array) -> Array:
    """2 (μ − ν)·(x − μ) + |x − μ|² for every row."""
    blocks = (rows[start : start + _BLOCK] - mean for start in range(0, len(rows), _BLOCK))
    return np.concatenate([2 * block @ shift + np.sum(block**2, axis=1) for block in blocks])
