from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import distribution, distribution_difference, kernel_distance, neighbourhoods
from ffl_plugin.metrics.difference import Difference
from ffl_plugin.metrics.distribution import inception_score, inception_score_influence, precision_recall
from ffl_plugin.metrics.distribution_difference import (
    compare_inception_score,
    compare_kid,
    compare_precision_recall,
)
from ffl_plugin.metrics.feature_difference import compare_features
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.inception import CLASSES, FEATURES
from ffl_plugin.metrics.kernel_distance import between, within
from ffl_plugin.metrics.neighbourhoods import precision_and_recall
from ffl_plugin.metrics.protocols import PROTOCOLS
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import Weights

DIMENSIONS = 8
MIXING = np.random.default_rng(5).normal(size=(DIMENSIONS, DIMENSIONS)) / np.sqrt(DIMENSIONS)


def activations(z: np.ndarray) -> np.ndarray:
    return np.maximum(z @ MIXING + 0.5, 0)


def draw(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reals, and fakes of the same seeds: poorer and noisier before than after."""
    z = random.normal(size=(count, DIMENSIONS))
    before = activations(0.7 * z) + 0.3 * random.normal(size=z.shape)
    after = activations(0.85 * z) + 0.2 * random.normal(size=z.shape)
    return activations(random.normal(size=z.shape)), before, after


def distance(fake: np.ndarray, real: np.ndarray) -> float:
    inner, reals, across = (
        moments.means[0] for moments in (within([fake]), within([real]), between([fake], real))
    )
    return kernel_distance.kernel_distance(inner, reals, across)


def features(rows: np.ndarray, logits: np.ndarray | None = None, name: str = "image") -> Features:
    wide = np.zeros((len(rows), FEATURES + CLASSES), np.float32)
    wide[:, : rows.shape[1]] = rows
    if logits is not None:
        wide[:, FEATURES : FEATURES + logits.shape[1]] = logits
    names = tuple(f"{name} {index}" for index in range(len(rows)))
    return Features(names, PROTOCOLS["pytorch-fid"], Weights(Path("none"), "0" * 64, False), (wide,))


@pytest.mark.parametrize("block", [7, 2048])
def test_kid_of_all_pairs_is_torch_fidelitys_where_a_subset_holds_all(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(kernel_distance, "_BLOCK", block)
    import_torchvision()
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake, _ = draw(np.random.default_rng(1), 60)
    theirs = kid_features_to_metric(
        *(torch.from_numpy(rows) for rows in (fake, real)), kid_subsets=1, kid_subset_size=60, verbose=False
    )
    assert distance(fake, real) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


@pytest.mark.parametrize("block", [7, 2048])
def test_moments_of_a_weighted_sum_of_kernels_are_those_of_its_matrix(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(kernel_distance, "_BLOCK", block)
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


def test_inception_score_influence_is_the_derivative_in_the_weight_of_an_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distribution, "IS_SPLITS", 2)
    logits = np.random.default_rng(3).normal(size=(40, 6)).astype(np.float32) * 2
    influence = inception_score_influence(logits)
    order = np.random.RandomState(distribution.SEED).permutation(40)

    def weighted(weights: np.ndarray) -> float:
        scores = []
        for half in (order[:20], order[20:]):
            share = weights[half] / weights[half].sum()
            p = torch.from_numpy(logits[half]).double().softmax(dim=1).numpy()
            scores.append(np.exp(share @ (p * np.log(p / (share @ p))).sum(axis=1)))
        return float(np.mean(scores))

    assert weighted(np.ones(40)) == pytest.approx(distribution.inception_score_of(logits)[0])
    for index in (0, 13, 39):
        heavier = np.ones(40)
        heavier[index] += 1e-6
        slope = (weighted(heavier) - weighted(np.ones(40))) / 1e-6 * 40
        assert slope == pytest.approx(influence[index], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(("rows", "columns"), [(16, 7), (1024, 4096)])
def test_precision_and_recall_of_halves_are_torch_fidelitys(
    monkeypatch: pytest.MonkeyPatch, rows: int, columns: int
) -> None:
    monkeypatch.setattr(neighbourhoods, "_ROWS", rows)
    monkeypatch.setattr(neighbourhoods, "_COLUMNS", columns)
    random = np.random.default_rng(4)
    real, fake = random.normal(size=(2, 90, 4)).astype(np.float32)
    fake = fake[:70] * 0.7 + 0.3
    halves = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], bool)
    whole, of_halves = precision_and_recall(real, fake, neighbours=3, halves=halves)

    def theirs(kept_real: np.ndarray, kept_fake: np.ndarray) -> list[float]:
        return [found.value for found in precision_recall(features(kept_real), features(kept_fake))]

    assert whole == pytest.approx(theirs(real, fake))
    assert whole.min() > 0.2
    assert whole.max() < 1
    for split in range(2):
        for half, first in enumerate((True, False)):
            rest = [side[halves[np.arange(len(side)) % 4, split] == first] for side in (real, fake)]
            assert of_halves[split, half] == pytest.approx(theirs(*rest))


def test_the_halves_are_balanced_and_independent() -> None:
    signs = np.where(distribution_difference._balanced_halves(), 1, -1)
    assert signs.shape == (16, 15)
    assert (signs.sum(axis=0) == 0).all()
    assert (signs.T @ signs == 16 * np.eye(15)).all()


def coverage(found_and_truth: list[tuple[Difference, float]]) -> float:
    return float(np.mean([found.low <= truth <= found.high for found, truth in found_and_truth]))


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


def test_the_interval_of_the_inception_score_covers_the_expectation() -> None:
    """Of sets of that size: the score of more images is another."""
    random = np.random.default_rng(7)

    def logits(scale: float) -> np.ndarray:
        return (scale * random.normal(size=(200, 10))).astype(np.float32)

    found = [compare_inception_score(Sides([logits(1.0)], [logits(1.2)])) for _ in range(150)]
    truth = float(np.mean([one.delta for one in found]))
    assert 0.90 <= coverage([(one, truth) for one in found]) <= 0.98
    assert {one.verdict for one in found} == {"improved"}


@pytest.mark.parametrize("paired", [True, False])
def test_the_intervals_of_precision_and_recall_cover_the_expectation(paired: bool) -> None:
    random = np.random.default_rng(8)
    found = []
    for _ in range(150):
        real, before, after = draw(random, 120)
        if not paired:
            after = draw(random, 120)[2]
        rows = (side.astype(np.float32) for side in (real, before, after))
        real, before, after = rows
        found.append(compare_precision_recall(real, Sides([before], [after])))
    for place in (0, 1):
        ours = [both[place] for both in found]
        truth = float(np.mean([one.delta for one in ours]))
        assert 0.90 <= coverage([(one, truth) for one in ours]) <= 0.98
        errors = np.sqrt(np.mean([(one.sampling or 0) ** 2 for one in ours]))
        assert 0.8 < errors / np.std([one.delta for one in ours]) < 1.2


def test_compare_features_gives_every_metric_with_its_conditions() -> None:
    random = np.random.default_rng(9)
    real, before, after = draw(random, 100)
    logits = random.normal(size=(2, 100, 10))
    seen: list[str] = []
    found = compare_features(
        features(real), Sides([features(before, logits[0])], [features(after, 2 * logits[1])]),
        metrics=("fid", "kid", "is", "pr"), progress=lambda done, total, what: seen.append(what),
    )  # fmt: skip
    assert [row.metric for row in found] == ["fid", "is", "kid", "precision", "recall"]
    assert all(row.basis.weights == "00000000" and row.low < row.delta < row.high for row in found)
    assert [any("covariance" in step for step in row.basis.processing) for row in found] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert [row.direction for row in found] == ["lower", "higher", "lower", "higher", "higher"]
    rows = {row.metric: row for row in found}
    assert rows["is"].after == pytest.approx(inception_score(features(after, 2 * logits[1])).value)
    assert rows["is"].verdict == "improved"
    theirs = precision_recall(features(real), features(before))
    assert [rows["precision"].before, rows["recall"].before] == pytest.approx([m.value for m in theirs])
    assert set(seen) == {"FID and its interval", "KID", "precision and recall"}
    paired = (rows["kid"].high or 0) - (rows["kid"].low or 0)
    (apart,) = compare_features(
        features(real), Sides([features(before)], [features(after, name="other")]), metrics=("kid",)
    )
    assert paired < 0.95 * ((apart.high or 0) - (apart.low or 0))


def test_too_few_images_for_an_interval_are_told() -> None:
    real, before, after = draw(np.random.default_rng(10), 30)
    with pytest.raises(FFLError, match="at least 32 images on each side"):
        compare_precision_recall(real, Sides([before], [after]))
    with pytest.raises(FFLError, match="at least 100 images"):
        compare_inception_score(Sides([before], [after]))
    with pytest.raises(FFLError, match="NaN"):
        compare_kid(np.full((9, 3), np.nan), Sides([before[:, :3]], [after[:, :3]]))
