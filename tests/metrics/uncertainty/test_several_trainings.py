"""Intervals of several trainings a side, simulated: they hold the truth as often as those of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ffl_plugin.metrics.segmentation import SegmentationScores
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import (
    Difference,
    compare_fid,
    compare_inception_score,
    compare_kid,
    compare_precision_recall,
    compare_segmentation,
)

DIMENSIONS = 8
MIXING = np.random.default_rng(5).normal(size=(DIMENSIONS, DIMENSIONS)) / np.sqrt(DIMENSIONS)

Rows = list[np.ndarray]


def activations(z: np.ndarray) -> np.ndarray:
    return np.maximum(z @ MIXING + 0.5, 0)


def fid_limit(real: np.ndarray, before: Rows, after: Rows, paired: bool) -> Difference:
    return compare_fid(real, Sides(before, after), paired=paired)[1]


def kid(real: np.ndarray, before: Rows, after: Rows, paired: bool) -> Difference:
    return compare_kid(real, Sides(before, after), paired=paired)


def inception_score(real: np.ndarray, before: Rows, after: Rows, paired: bool) -> Difference:
    logits = Sides(before, after).map(lambda rows: 3 * rows.astype(np.float32))
    return compare_inception_score(logits, paired=paired)


def recall(real: np.ndarray, before: Rows, after: Rows, paired: bool) -> Difference:
    return compare_precision_recall(real, Sides(before, after))[1]


def mean_iou(real: np.ndarray, before: Rows, after: Rows, paired: bool) -> Difference:
    """Of label maps whose pixels are wrong more often in some images than in others."""

    def measured(rows: np.ndarray) -> SegmentationScores:
        wrong = np.clip(rows[:, :2].sum(axis=1) * 20, 0, 99).astype(int)
        cells = np.stack([np.full(len(rows), 100), wrong, wrong // 2, 100 - wrong], axis=1)
        folds = cells.reshape(-1, 20, 4).sum(axis=0).reshape(20, 2, 2)
        return SegmentationScores(tuple(map(str, range(len(rows)))), folds)

    return compare_segmentation(Sides(before, after).map(measured))[0]


Compare = Callable[[np.ndarray, Rows, Rows, bool], Difference]


def draws(
    compare: Compare, trainings: int, spread: float, paired: bool, count: int, repetitions: int = 200
) -> list[Difference]:
    """Compare trainings whose features are 1 + spread·ξ times as large."""
    random = np.random.default_rng(1)
    shape = (count, DIMENSIONS)

    def trained(variety: float, noise: float, seeds: np.ndarray) -> np.ndarray:
        latent = seeds if paired else random.normal(size=shape)
        size = 1 + spread * random.normal()
        return size * (activations(variety * latent) + noise * random.normal(size=shape))

    found = []
    for _ in range(repetitions):
        real, seeds = random.normal(size=(2, *shape))
        before = [trained(0.7, 0.3, seeds) for _ in range(trainings)]
        after = [trained(0.85, 0.2, seeds) for _ in range(trainings)]
        found.append(compare(activations(real), before, after, paired))
    return found


def coverage(found: list[Difference]) -> float:
    truth = np.mean([one.delta for one in found])
    return float(np.mean([one.low <= truth <= one.high for one in found]))


EVERY = [(2, 0.0, True), (2, 0.0, False), (2, 0.2, True), (2, 0.2, False), (3, 0.03, True), (3, 0.03, False)]
CASES = [
    *((fid_limit, 40, *case) for case in EVERY),
    *((kid, 40, *case) for case in EVERY),
    *((mean_iou, 40, *case) for case in EVERY if case[-1]),  # label maps are always of the same images
    *((recall, 60, *case) for case in EVERY[3:5]),
    *((inception_score, 100, *case) for case in EVERY[3:5]),
]


@pytest.mark.parametrize(("compare", "count", "trainings", "spread", "paired"), CASES)
def test_the_interval_covers_the_truth(
    compare: Compare, count: int, trainings: int, spread: float, paired: bool
) -> None:
    assert 0.90 <= coverage(draws(compare, trainings, spread, paired, count)) <= 0.98
