"""Bias-reduced FID: an estimate, from few images, of the Fréchet distance for infinitely many.

FID of n images is biased upwards, because tr (Σ_a Σ_b)^½ of sample covariances is too small, by an amount
that differs between generators (Chong and Forsyth 2020). Random matrix theory quantifies it. For n and m
images, the transform g(s) = Σ λ/(λ + s) of the eigenvalues λ of Σ_a Σ_b follows from that of the sample
covariances at another argument: with u(σ) = Σ λ̂/(λ̂ + σ) of the sample eigenvalues λ̂,

    g(s) = u(σ)   at   s = σ / ((1 − u/(n − 1)) (1 − u/(m − 1)))

(the S-transforms of two Marchenko-Pastur factors; Tiomoko and Couillet 2019 take contours of the same
relation). Since √λ = (1/π) ∫ λ/(λ + s) ds/√s over s > 0, the trace of the root follows without the true
eigenvalues:

    tr (Σ_a Σ_b)^½ = (2/π) ∫ √s(σ) (−du/dσ) dσ

over σ > 0. As n and m grow without bound, s = σ, and the integral is Σ √λ̂, as in the plain distance.

The relation assumes features that are a linear image of independent variables, which a network's features are
only approximately, so a part of the bias remains (``REMAINING_BIAS``). Chong and Forsyth's FID∞ is another
estimator of the same distance, an extrapolation over 1/N, with less bias and more variance.
"""

from __future__ import annotations

import math

import numpy as np

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.frechet import Array, Statistics, factor_of, positive

# Images per dimension below which the relation is too close to its pole at n = d.
FEWEST_PER_DIMENSION = 1.25
# Upper bound of the remaining bias, as a share of the correction: 0.03 to 0.30 from 1.25 to 8 images per
# dimension, in the table of benchmarks/fid_limit.py on AlexNet features.
REMAINING_BIAS = 0.3
_STEP = 0.2  # of ln σ: the trapezoidal rule's error is exp(−2π²/step), below rounding
_BELOW, _ABOVE = 30.0, 65.0  # beyond the eigenvalues, in ln σ: the integrand decays as σ^{3/2} and σ^{−1/2}


def fewest_for_limit(dimensions: int) -> int:
    """Return the minimum number of features per set for this many dimensions."""
    return math.ceil(FEWEST_PER_DIMENSION * dimensions)


def frechet_limit(a: Statistics, b: Statistics) -> float:
    """Fréchet distance of infinitely many features, from statistics divided by n − 1.

    Raises ``FFLError`` for statistics of too few features, or of an unknown number.
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
    """Assemble the limit from the shift of the means (d,), the covariances' traces, and the eigenvalues.

    The means of n features deviate from the true ones by tr Σ / n, which is subtracted too. For nearly equal
    sets, the result may be slightly negative.
    """
    of_means = sum(trace / count for trace, count in zip(traces, counts))
    root = 2 * eigenvalues @ limit_of_root(eigenvalues, *counts)
    return float(shift @ shift - of_means + sum(traces) - 2 * root)


def limit_of_root(eigenvalues: Array, count_a: int, count_b: int) -> Array:
    """Estimate the derivative, in every sample eigenvalue, of tr (Σ_a Σ_b)^½ for infinitely many features.

    The trace is homogeneous of degree ½ in them, so it equals 2 Σ λ̂ ∂/∂λ̂, as for Σ √λ̂ and its ½ λ̂^−½.

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
