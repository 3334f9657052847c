"""Bias-reduced FID: an estimate of the Fréchet distance of infinitely many images, from few.

FID of n images is too high, because tr (Σ_a Σ_b)^½ of sampled covariances is too small, by an amount that
differs between generators (Chong and Forsyth 2020). Random matrix theory says by how much. For n and m
images, the transform g(s) = Σ λ/(λ + s) of the eigenvalues λ of Σ_a Σ_b is, of sampled covariances, that of
the true ones at another place: with u(σ) = Σ λ̂/(λ̂ + σ) of the sampled eigenvalues λ̂,

    g(s) = u(σ)   at   s = σ / ((1 − u/(n − 1)) (1 − u/(m − 1)))

(the S-transforms of two Marchenko-Pastur factors; Tiomoko and Couillet 2019 take contours of the same
relation). Since √λ = (1/π) ∫ λ/(λ + s) ds/√s over s > 0, the trace of the root follows without knowing the
true eigenvalues:

    tr (Σ_a Σ_b)^½ = (2/π) ∫ √s(σ) (−du/dσ) dσ

over σ > 0. With n and m without bound s = σ, and the integral is Σ √λ̂, that of the distance as it is.

The relation asks for features that are a linear image of independent variables, which those of a network are
not quite, so a part of the bias remains (``REMAINING_BIAS``). Chong and Forsyth's FID∞ is another estimator
of the same distance, an extrapolation over 1/N, with less bias and more noise.
"""

from __future__ import annotations

import math

import numpy as np

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.frechet import Array, Statistics, factor_of, positive

# Images per dimension below which the relation comes too close to its pole at n = d.
FEWEST_PER_DIMENSION = 1.25
# What should come off FID besides, at most, as a share of what is taken off: 0.03 to 0.30 from 1.25 to 8
# images per dimension, in the table of benchmarks/fid_limit.py on features of AlexNet.
REMAINING_BIAS = 0.3
_STEP = 0.2  # of ln σ: the trapezoidal rule errs by exp(−2π²/step), which is less than rounding
_BELOW, _ABOVE = 30.0, 65.0  # beyond the eigenvalues, in ln σ: the integrand falls as σ^{3/2} and as σ^{−1/2}


def fewest_for_limit(dimensions: int) -> int:
    """Return how many features of so many dimensions each set must have."""
    return math.ceil(FEWEST_PER_DIMENSION * dimensions)


def frechet_limit(a: Statistics, b: Statistics) -> float:
    """Fréchet distance of infinitely many features of which these are statistics, each divided by n − 1.

    Raises ``FFLError`` for statistics of too few features, or of nobody knows how many.
    """
    fewest = fewest_for_limit(len(a.mean))
    if min(a.count or 0, b.count or 0) < fewest:
        raise FFLError(f"the distance of infinitely many images needs at least {fewest:,} on each side")
    factor = factor_of(a.covariance)
    eigenvalues = np.linalg.eigvalsh(factor @ b.covariance @ factor.T)
    traces = float(np.trace(a.covariance)), float(np.trace(b.covariance))
    return limit_of_distance(
        a.mean - b.mean, traces, eigenvalues[positive(eigenvalues)], (a.count or 0, b.count or 0)
    )


def limit_of_distance(
    shift: Array, traces: tuple[float, float], eigenvalues: Array, counts: tuple[int, int]
) -> float:
    """Put the limit together from the shift of the means (d,), the traces of the covariances, and as below.

    Means of n features are tr Σ / n apart from the true ones, which comes off too. Where both sets are nearly
    the same, what is left may be a little below 0.
    """
    of_means = sum(trace / count for trace, count in zip(traces, counts))
    root = 2 * eigenvalues @ limit_of_root(eigenvalues, *counts)
    return float(shift @ shift - of_means + sum(traces) - 2 * root)


def limit_of_root(eigenvalues: Array, count_a: int, count_b: int) -> Array:
    """Estimate the derivative of tr (Σ_a Σ_b)^½ of infinitely many features in every sampled eigenvalue.

    The trace is homogeneous of degree ½ in them, so it is 2 Σ λ̂ ∂/∂λ̂, as with Σ √λ̂ and its ½ λ̂^−½.

    Args:
        eigenvalues: (r,) positive, of the product of both covariances, each divided by n − 1.
        count_a, count_b: numbers of features, both above r + 1.

    Returns:
        The derivatives (r,).
    """
    logarithms = np.log(eigenvalues)
    places = np.exp(np.arange(logarithms.min() - _BELOW, logarithms.max() + _ABOVE, _STEP))
    shares = eigenvalues / (eigenvalues + places[:, None])
    transform = shares.sum(axis=1)
    stretch = 1 / np.sqrt((1 - transform / (count_a - 1)) * (1 - transform / (count_b - 1)))
    weights = stretch * np.sqrt(places) * _STEP / np.pi
    derivatives: Array = weights @ (shares * (1 - shares)) / eigenvalues
    return derivatives
