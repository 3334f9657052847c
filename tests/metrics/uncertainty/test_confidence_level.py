"""Every comparison takes a confidence level other than 95 %."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from features_material import draw, made

from ffl_plugin.metrics import (
    Difference,
    PairScores,
    Sides,
    compare_features,
    compare_pairs,
    compare_segmentation,
    compare_spectra,
)
from ffl_plugin.metrics.segmentation import SegmentationScores
from ffl_plugin.metrics.spectral_sums import spectra_of
from ffl_plugin.metrics.uncertainty import compare_cmmd, compare_inception_score

COUNT = 100  # the fewest of the Inception Score


def features(level: float) -> list[Difference]:
    real, before, after = (made(rows) for rows in draw(np.random.default_rng(0), COUNT))
    sides = Sides([before], [after])
    return list(compare_features(real, sides, metrics=("fid", "kid", "pr"), level=level))


def of_other_networks(level: float) -> list[Difference]:
    real, *fakes = (rows.astype(np.float32) for rows in draw(np.random.default_rng(0), COUNT))
    sides = Sides([fakes[0]], [fakes[1]])
    return [*compare_cmmd(real, sides, level=level), compare_inception_score(sides, level=level)]


def pairs(level: float) -> list[Difference]:
    random = np.random.default_rng(0)
    names = tuple(map(str, range(COUNT)))
    sides = Sides(*([PairScores(names, {"ssim": random.random(COUNT)})] for _ in range(2)))
    return compare_pairs(sides, level=level)


def spectra(level: float) -> list[Difference]:
    random = np.random.default_rng(0)
    real, before, after = (
        spectra_of(list(random.integers(0, top, (24, 16, 16, 3), np.uint8)), folds=8)
        for top in (255, 200, 250)
    )
    return list(compare_spectra(real, Sides([before], [after]), level=level))


def segmentation(level: float) -> list[Difference]:
    random = np.random.default_rng(0)
    names = tuple(map(str, range(COUNT)))
    sides = Sides(*([SegmentationScores(names, random.integers(1, 99, (20, 2, 2)))] for _ in range(2)))
    return compare_segmentation(sides, level=level)


@pytest.mark.parametrize("compare", [features, of_other_networks, pairs, spectra, segmentation])
def test_a_higher_level_widens_every_interval(compare: Callable[[float], list[Difference]]) -> None:
    usual, high = (compare(level) for level in (0.95, 0.99))
    assert len(usual) > 0
    for narrow, wide in zip(usual, high):
        assert (narrow.level, wide.level) == (0.95, 0.99)
        assert narrow.delta == wide.delta
        widths = [(row.high or 0) - (row.low or 0) for row in (narrow, wide)]
        assert 0 < widths[0] < widths[1]
