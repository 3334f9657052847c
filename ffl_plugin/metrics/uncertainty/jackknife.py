"""Standard errors of a weighted sum of the trainings' values, by the jackknife.

The infinitesimal jackknife (Efron 1982) needs the influence of every image: the derivative of the value in
the weight of that image. The delete-a-group jackknife (Kott 2001) needs only the values without each group
of images; each group leaves all sets at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from ffl_plugin.metrics.frechet import Array


def infinitesimal_error(
    of_fakes: Sequence[Array], of_reals: Sequence[Array], weights: Array, *, paired: bool
) -> float:
    """Return the standard error by the infinitesimal jackknife.

    The variance over samples of images is the sum of squared influences over n², for each set.

    Args:
        of_fakes: (n,) for each training, of its own images on its own value.
        of_reals: (m,) for each training, of the real images, which all trainings share; empty without
            reals.
        weights: (k,) of the trainings' values.
        paired: whether image i of every training has the same seed or input, and so is sampled together.
    """
    samples = [weight * of_own for weight, of_own in zip(weights, of_fakes)]
    if paired:
        samples = [np.sum(samples, axis=0)]
    if of_reals:
        samples.append(np.tensordot(weights, of_reals, axes=1))
    return float(np.sqrt(sum(np.var(sample, ddof=1) / len(sample) for sample in samples)))


def delete_group_error(left_out: Array, weights: Array) -> float:
    """Return the standard error by the delete-a-group jackknife, √((g−1)/g·Σ(θ−θ̄)²), over g groups.

    Args:
        left_out: (g, k) the values of k trainings without each group.
        weights: (k,).
    """
    groups, sums = len(left_out), left_out @ weights
    return float(np.sqrt((groups - 1) / groups * np.sum((sums - sums.mean()) ** 2)))


def groups_left_out(groups: int, how_many: int) -> list[tuple[int, ...]]:
    """Return the combinations of groups to leave out; empty if no group would remain."""
    return list(itertools.combinations(range(groups), how_many)) if groups > how_many else []


def second_order_error(whole: Array, one: Array, two: Array, weights: Array) -> float:
    """Return the delete-a-group error without the interactions of groups, which it counts twice.

    With θ of all g groups, θ₍ᵢ₎ without one and θ₍ᵢⱼ₎ without two, the interaction of two groups is
    Qᵢⱼ = g·θ − (g − 1)·(θ₍ᵢ₎ + θ₍ⱼ₎) + (g − 2)·θ₍ᵢⱼ₎; half of its variance is subtracted (Efron and Stein
    1981).

    Args:
        whole, one, two: (1, k), (g, k) and (g·(g − 1)/2, k) values of k trainings.
        weights: (k,).
    """
    squares = delete_group_error(one, weights) ** 2
    if not len(two):
        return math.sqrt(squares)
    groups = len(one)
    without, pairs = one @ weights, np.array(groups_left_out(groups, 2))
    together = (
        groups * (whole @ weights)
        - (groups - 1) * without[pairs].sum(axis=1)
        + (groups - 2) * (two @ weights)
    )
    return float(np.sqrt(squares - min(np.var(together), squares) / 2))
