from __future__ import annotations

import numpy as np
import pytest
from features_material import DIMENSIONS, activations

from ffl_plugin.metrics import frechet_distance, frechet_influence
from ffl_plugin.metrics.uncertainty.influence import Coupling


@pytest.mark.parametrize(("n", "m"), [(40, 60), (60, 40), (8, 60), (60, 8), (8, 9)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_influence_is_the_derivative_in_the_weight_of_an_image(n: int, m: int, ddof: int) -> None:
    """Repeating the whole set k times but one image k + 1 times is a weight of 1 + 1/k on that image."""
    random = np.random.default_rng(0)
    a, b = (
        activations(random.normal(size=(n, DIMENSIONS))),
        activations(random.normal(size=(m, DIMENSIONS))) * 1.2,
    )
    of_a, of_b = frechet_influence(a, b, ddof=0)
    k = 1000

    def weighted(rows: np.ndarray, index: int) -> np.ndarray:
        """Plain points with the mean and covariance of the weighted ones."""
        weights = np.full(len(rows), float(k))
        weights[index] += 1
        weights /= weights.sum()
        mean = weights @ rows
        factor = np.sqrt(weights)[:, None] * (rows - mean)
        # ± each scaled row: mean 0, covariance factorᵀ·factor
        return np.concatenate([factor, -factor]) * np.sqrt(len(rows)) + mean

    for rows, other, influence, order in ((a, b, of_a, 1), (b, a, of_b, -1)):
        size = len(rows) * k + 1
        base = frechet_distance(a, b, ddof=0)
        for index in (0, len(rows) - 1):
            pair = (weighted(rows, index), other)[::order]
            change = (frechet_distance(*pair, ddof=0) - base) * size
            assert change == pytest.approx(influence[index], rel=2e-2, abs=2e-2)
    scaled = frechet_influence(a, b, ddof=ddof)
    assert [len(side) for side in scaled] == [n, m]
    assert np.mean(scaled[0]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(40, 60), (60, 40)])
def test_influence_on_the_limit_is_the_derivative_in_the_weights_of_images(n: int, m: int) -> None:
    """Counting even images a little more than odd ones changes the limit by what they differ in influence."""
    random = np.random.default_rng(0)
    a, b = activations(random.normal(size=(n, DIMENSIONS))), activations(random.normal(size=(m, DIMENSIONS)))
    of_a, of_b = Coupling(a, b * 1.2).influence_on_limit()
    more, less = (Coupling(a, b * 1.2, tilt=tilt).limit() for tilt in (1e-4, -1e-4))
    sides = [np.mean(influence * (-1.0) ** np.arange(len(influence))) for influence in (of_a, of_b)]
    assert min(map(abs, sides)) > 0.01
    # The bias of the means, trace/n, has no part in the influence.
    assert (more - less) / 2e-4 == pytest.approx(sum(sides), abs=2 * np.mean([np.std(a), np.std(b)]) / n)
