"""Trainings with the same seed on both sides, compared seed by seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.metric import Metric
from ffl_plugin.metrics.pairs import PairScores
from ffl_plugin.metrics.segmentation import SegmentationScores
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.spectral_sums import spectra_of
from ffl_plugin.metrics.uncertainty import (
    Difference,
    SamplingError,
    compare_fid,
    compare_inception_score,
    compare_kid,
    compare_pairs,
    compare_precision_recall,
    compare_segmentation,
    compare_spectra,
    compare_values,
)

Array = npt.NDArray[np.float64]

FID = Metric("fid", "FID")
BEFORE, AFTER = [10.0, 14.0, 12.0, 17.0], [8.5, 12.0, 11.5, 15.5]


def of_covariance(covariance: Array) -> SamplingError:
    """The error of sampling of values of that covariance."""
    return lambda weights: math.sqrt(weights @ covariance @ weights)


def half_width(found: Difference) -> float:
    assert found.low is not None and found.high is not None
    return (found.high - found.low) / 2


@pytest.mark.parametrize("sampling", [None, of_covariance(np.zeros((8, 8)))], ids=["unknown", "none"])
def test_without_an_error_of_sampling_it_is_the_paired_t_interval(sampling: SamplingError | None) -> None:
    found = compare_values(FID, Sides(BEFORE, AFTER, paired_seeds=True), sampling=sampling, degrees=99)
    expected = stats.ttest_rel(AFTER, BEFORE).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.change_spread == pytest.approx(np.std(np.subtract(AFTER, BEFORE), ddof=1))
    assert found.training_spread == compare_values(FID, Sides(BEFORE, AFTER)).training_spread


def test_what_images_do_to_each_training_alone_is_in_the_changes_already() -> None:
    """Half-width and degrees of freedom by hand, for images of their own and some that all pairs share."""
    own, shared, degrees, seeds = 0.1, 0.3, 50, len(BEFORE)
    side = np.repeat([0.0, 1.0], seeds)
    covariance = own * np.eye(2 * seeds) + shared * np.outer(side, side)
    trainings = Sides(BEFORE, AFTER, paired_seeds=True)
    found = compare_values(FID, trainings, sampling=of_covariance(covariance), degrees=degrees)
    square, of_images = float(np.var(np.subtract(AFTER, BEFORE), ddof=1)), 2 * own
    variance = square / seeds + shared
    sampled = of_images / seeds + shared
    freedom = variance**2 / ((square**2 - of_images**2) / seeds**2 / (seeds - 1) + sampled**2 / degrees)
    assert found.sampling == pytest.approx(math.sqrt(sampled))
    assert half_width(found) == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(variance))


def test_seeds_that_agree_by_chance_leave_the_interval_of_images() -> None:
    trainings = Sides([10.0, 14.0, 12.0], [8.0, 12.0, 10.0], paired_seeds=True)
    found = compare_values(FID, trainings, sampling=of_covariance(np.eye(6)), degrees=50)
    assert found.change_spread == 0
    assert half_width(found) == pytest.approx(stats.t.ppf(0.975, 50) * math.sqrt(2 / 3))


def test_one_pair_is_images_alone() -> None:
    of_images = of_covariance(np.eye(2))
    found = [
        compare_values(FID, Sides([10.0], [8.0], paired), sampling=of_images, degrees=9)
        for paired in (True, False)
    ]
    assert found[0] == found[1]


def test_which_training_meets_which_decides_the_interval() -> None:
    """Seeds in another order on one side are other pairs; on both sides alike they are the same ones."""
    pairs = Sides(BEFORE, AFTER, paired_seeds=True)
    one_side = Sides(BEFORE, AFTER[1:] + AFTER[:1], paired_seeds=True)
    both_sides = Sides(BEFORE[1:] + BEFORE[:1], AFTER[1:] + AFTER[:1], paired_seeds=True)
    widths = [half_width(compare_values(FID, sides)) for sides in (pairs, one_side, both_sides)]
    assert widths[1] > 3 * widths[0]
    assert widths[2] == pytest.approx(widths[0])


def test_what_a_seed_does_to_both_sides_cancels() -> None:
    effects = [0.0, 5.0, -3.0, 40.0]
    shifted = Sides(*([x + y for x, y in zip(side, effects)] for side in (BEFORE, AFTER)), paired_seeds=True)
    paired = compare_values(FID, shifted)
    assert half_width(paired) == pytest.approx(half_width(compare_values(FID, Sides(BEFORE, AFTER, True))))
    assert half_width(compare_values(FID, Sides(shifted.before, shifted.after))) > 10 * half_width(paired)


def test_pairs_need_as_many_trainings_on_both_sides() -> None:
    with pytest.raises(FFLError, match="2 trainings before and 3 after"):
        Sides([1, 2], [1, 2, 3], paired_seeds=True)


def test_pairs_stay_pairs() -> None:
    sides = Sides([1, 2], [3, 4], paired_seeds=True)
    assert sides.map(str) == sides.split(["1", "2", "3", "4"]) == Sides(("1", "2"), ("3", "4"), True)


def fid(real: Array, rows: Sides[Array]) -> list[Difference]:
    return compare_fid(real, rows)


def kid(real: Array, rows: Sides[Array]) -> list[Difference]:
    return [compare_kid(real, rows)]


def inception_score(real: Array, rows: Sides[Array]) -> list[Difference]:
    return [compare_inception_score(rows)]


def precision_recall(real: Array, rows: Sides[Array]) -> list[Difference]:
    return list(compare_precision_recall(real, rows))


def pairs(real: Array, rows: Sides[Array]) -> list[Difference]:
    names = tuple(map(str, range(len(real))))
    return compare_pairs(rows.map(lambda own: PairScores(names, {"mse": ((own - real) ** 2).mean(axis=1)})))


def spectra(real: Array, rows: Sides[Array]) -> list[Difference]:
    def measured(own: Array) -> object:
        grey = (64 + 16 * own[:, :, None, None] * own[:, None, :, None]).clip(0, 255).astype(np.uint8)
        return spectra_of(list(grey.repeat(3, axis=3)))

    return compare_spectra(measured(real), rows.map(measured))  # type: ignore[arg-type]


def segmentation(real: Array, rows: Sides[Array]) -> list[Difference]:
    def measured(own: Array) -> SegmentationScores:
        wrong = np.clip(own[:, 0] * 20, 0, 99).astype(np.int64)
        cells = np.stack([np.full(len(own), 100), wrong, wrong // 2, 100 - wrong], axis=1)
        return SegmentationScores(("a", "b"), cells.reshape(-1, 20, 4).sum(axis=0).reshape(20, 2, 2))

    return compare_segmentation(rows.map(measured))


@pytest.mark.parametrize(
    "compare", [fid, kid, inception_score, precision_recall, pairs, spectra, segmentation]
)
def test_every_metric_is_compared_seed_by_seed(
    compare: Callable[[Array, Sides[Array]], list[Difference]],
) -> None:
    random = np.random.default_rng(0)
    real, *rows = np.maximum(random.normal(size=(7, 120, 8)) + 0.5, 0)
    sizes = (1.0, 1.2, 1.4)
    trainings = Sides(*([size * rows.pop() for size in sizes] for _ in range(2)), paired_seeds=True)
    for found in compare(real, trainings):
        changes = np.subtract(found.after_trainings, found.before_trainings)
        assert found.change_spread == pytest.approx(np.std(changes, ddof=1)), found.metric
        assert found.change_spread > 0


@pytest.mark.parametrize(
    ("seeds", "spread", "correlation"), [(4, 0.05, 0.8), (4, 1.0, 0.0), (4, 1.0, 0.8), (8, 0.3, 0.8)]
)
def test_the_interval_covers_the_truth(seeds: int, spread: float, correlation: float) -> None:
    """500 comparisons on images that scatter, too, and that all trainings share."""
    random = np.random.default_rng(seeds)
    names = tuple(map(str, range(40)))
    hits = []
    for _ in range(500):
        images, common = random.normal(size=40), random.normal(size=seeds)
        sides = []
        for mean, answer in ((10.0, 1.0), (9.0, 1.3)):
            own = random.normal(size=seeds)
            effects = spread * (math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own)
            scores = mean + answer * images + effects[:, None] + random.normal(0, 0.5, (seeds, 40))
            sides.append([PairScores(names, {"mse": row}) for row in scores])
        (found,) = compare_pairs(Sides(*sides, paired_seeds=True))
        assert found.low is not None and found.high is not None
        hits.append(found.low <= -1.0 <= found.high)
    assert 0.92 <= np.mean(hits) <= 0.98
