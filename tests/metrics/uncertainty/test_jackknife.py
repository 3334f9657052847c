from __future__ import annotations

import math

import numpy as np
import pytest

from ffl_plugin.metrics.uncertainty.jackknife import (
    delete_group_error,
    groups_left_out,
    second_order_error,
)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=30)
    left_out = np.array([np.delete(values, i).mean() for i in range(30)])
    found = delete_group_error(left_out[:, None] * [3.0, 4.0], np.array([-1.0, 1.0]))
    assert found == pytest.approx(values.std(ddof=1) / math.sqrt(30))


@pytest.mark.parametrize("mean", [0.0, 0.2, 2.0])
def test_the_error_of_a_square_is_known(mean: float) -> None:
    """The square of the mean of g normal vectors of d entries has the variance 4 d μ²/g + 2 d/g²."""
    generator = np.random.default_rng(9)
    folds, entries, squares = 20, 30, []
    for _ in range(150):
        vectors = generator.normal(mean, 1, (folds, entries))
        whole, one, two = (
            np.array(
                [
                    [np.sum(np.delete(vectors, out, axis=0).mean(axis=0) ** 2)]
                    for out in groups_left_out(folds, n)
                ]
            )
            for n in (0, 1, 2)
        )
        squares.append(second_order_error(whole, one, two, np.ones(1)) ** 2)
    assert np.mean(squares) == pytest.approx(entries * (4 * mean**2 / folds + 2 / folds**2), rel=0.15)


def test_of_a_mean_nothing_comes_off() -> None:
    """What two images do to a mean is the sum of what each does."""
    numbers = np.random.default_rng(10).normal(size=20)
    whole, one, two = (
        np.array([[np.mean(np.delete(numbers, out))] for out in groups_left_out(20, n)]) for n in (0, 1, 2)
    )
    assert second_order_error(whole, one, two, np.ones(1)) == pytest.approx(
        np.std(numbers, ddof=1) / np.sqrt(20)
    )
