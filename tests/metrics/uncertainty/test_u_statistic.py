from __future__ import annotations

import numpy as np
import pytest
import torch
from distribution_material import DIMENSIONS, coverage, draw

from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.uncertainty import compare_kid, kernel_distances, u_statistic
from ffl_plugin.metrics.uncertainty.u_statistic import between, within


@pytest.mark.parametrize("block", [7, 2048])
def test_kid_of_all_pairs_is_torch_fidelitys_where_a_subset_holds_all(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(u_statistic, "_BLOCK", block)
    import_torchvision()
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake, _ = draw(np.random.default_rng(1), 60)
    theirs = kid_features_to_metric(
        *(torch.from_numpy(rows) for rows in (fake, real)), kid_subsets=1, kid_subset_size=60, verbose=False
    )
    found = kernel_distances(real, [fake]).values
    assert found == pytest.approx([theirs["kernel_inception_distance_mean"]], rel=1e-9)


@pytest.mark.parametrize("block", [7, 2048])
def test_moments_of_a_weighted_sum_of_kernels_are_those_of_its_matrix(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(u_statistic, "_BLOCK", block)
    real, before, after = draw(np.random.default_rng(2), 30)
    real = real[:20]

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / DIMENSIONS + 1) ** 3

    inner = within([before, after])
    own = [kernel(before, before), kernel(after, after)]
    assert inner.means == pytest.approx([(matrix.sum() - np.trace(matrix)) / 870 for matrix in own])
    across = between([before, after], real)
    apart = [kernel(before, real), kernel(after, real)]
    assert across.means == pytest.approx([matrix.mean() for matrix in apart])
    # As of the matrix of the sum, for any weights.
    for weights in np.array([[-0.5, 1.0], [1.0, 0.0], [0.3, 0.7]]):
        matrix = np.tensordot(weights, own, axes=1)
        matrix[np.diag_indices(30)] = np.nan
        rows = np.nanmean(matrix, axis=1)
        assert weights @ inner.rows == pytest.approx(rows)
        beyond = matrix - rows[:, None] - rows[None] + np.nanmean(matrix)
        assert weights @ inner.beyond @ weights == pytest.approx(np.nanmean(beyond**2), rel=1e-9)
        matrix = np.tensordot(weights, apart, axes=1)
        rows, columns = matrix.mean(axis=1), matrix.mean(axis=0)
        assert weights @ across.rows == pytest.approx(rows)
        assert weights @ across.columns == pytest.approx(columns)
        beyond = matrix - rows[:, None] - columns[None] + matrix.mean()
        assert weights @ across.beyond @ weights == pytest.approx(np.mean(beyond**2), rel=1e-9)


@pytest.mark.parametrize("paired", [True, False])
def test_the_interval_of_kid_covers_the_truth(paired: bool) -> None:
    """KID is unbiased: the truth is what the draws are on average."""
    random = np.random.default_rng(6)
    found = []
    for _ in range(300):
        real, before, after = draw(random, 150)
        if not paired:
            after = draw(random, 150)[2]
        found.append(compare_kid(real, Sides([before], [after]), paired=paired))
    truth = float(np.mean([one.delta for one in found]))
    assert truth < 0
    assert 0.90 <= coverage([(one, truth) for one in found]) <= 0.98


def test_the_interval_of_kid_covers_no_change_of_noise_alone() -> None:
    """Nothing of first order is left there: its square alone would make the interval √2 too wide."""
    random = np.random.default_rng(11)
    found = []
    for _ in range(200):
        real, before, after = random.normal(size=(3, 60, 32)) * np.array([1, 1.3, 1.3])[:, None, None]
        found.append(compare_kid(real, Sides([before], [after])))
    assert 0.90 <= coverage([(one, 0.0) for one in found]) <= 0.98
    errors = np.sqrt(np.mean([(one.sampling or 0) ** 2 for one in found]))
    assert 0.85 < errors / np.std([one.delta for one in found]) < 1.15
