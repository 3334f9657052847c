from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from distribution_material import coverage, draw

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import distribution, neighbourhoods
from ffl_plugin.metrics.distribution import inception_score, inception_score_influence, precision_recall
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.inception import CLASSES, FEATURES
from ffl_plugin.metrics.neighbourhoods import precision_and_recall
from ffl_plugin.metrics.protocols import PROTOCOLS
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import (
    compare_features,
    compare_inception_score,
    compare_kid,
    compare_precision_recall,
)
from ffl_plugin.metrics.uncertainty.of_distribution import balanced_half_samples
from ffl_plugin.metrics.weights import Weights


def features(rows: np.ndarray, logits: np.ndarray | None = None, name: str = "image") -> Features:
    wide = np.zeros((len(rows), FEATURES + CLASSES), np.float32)
    wide[:, : rows.shape[1]] = rows
    if logits is not None:
        wide[:, FEATURES : FEATURES + logits.shape[1]] = logits
    names = tuple(f"{name} {index}" for index in range(len(rows)))
    return Features(names, PROTOCOLS["pytorch-fid"], Weights(Path("none"), "0" * 64, False), (wide,))


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
    signs = np.where(balanced_half_samples(), 1, -1)
    assert signs.shape == (16, 15)
    assert (signs.sum(axis=0) == 0).all()
    assert (signs.T @ signs == 16 * np.eye(15)).all()


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
