from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.metric import Metric
from ffl_plugin.metrics.pairs import PairScores
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import SamplingError, compare_pairs, compare_values

FID = Metric("fid", "FID")


def scores(values: Sequence[float] | np.ndarray, names: Sequence[str] | None = None) -> PairScores:
    values = np.asarray(values, dtype=float)
    return PairScores(tuple(names or map(str, range(len(values)))), {"lfd": values})


def test_one_training_per_side_is_the_paired_t_interval() -> None:
    generator = np.random.default_rng(0)
    before, after = generator.normal(10, 1, 12), generator.normal(9, 1, 12)
    (found,) = compare_pairs(Sides([scores(before)], [scores(after)]))
    expected = stats.ttest_rel(after, before).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.delta == pytest.approx(after.mean() - before.mean())
    assert found.training_spread is None


def test_trainings_alone_are_the_pooled_t_interval() -> None:
    before, after = [10.0, 12.0, 11.0], [7.0, 8.5]
    found = compare_values(FID, Sides(before, after))
    expected = stats.ttest_ind(after, before).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.verdict == "improved"
    assert found.sampling is None


def of_covariance(covariance: np.ndarray) -> SamplingError:
    """The error of sampling of values of that covariance."""
    return lambda weights: math.sqrt(weights @ np.asarray(covariance) @ weights)


def test_both_uncertainties_add_with_welchs_degrees_of_freedom() -> None:
    """What all trainings of a side have in common makes no spread between them."""
    before, after, error, degrees = [10.0, 12.0], [7.0, 8.0], 0.5, 9
    common = np.kron(np.diag([error**2, 0]), np.ones((2, 2)))
    found = compare_values(FID, Sides(before, after), sampling=of_covariance(common), degrees=degrees)
    spread = ((2 + 0.5) / 2) * (1 / 2 + 1 / 2)
    freedom = (spread + error**2) ** 2 / (spread**2 / 2 + error**4 / degrees)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(spread + error**2)
    assert (found.low, found.high) == pytest.approx((-3.5 - half, -3.5 + half))
    assert found.sampling == pytest.approx(error)
    assert found.training_spread == pytest.approx(math.sqrt(1.25))


def test_images_of_each_training_alone_are_in_the_spread_already() -> None:
    before, after = [10.0, 12.0, 11.0], [7.0, 8.0]
    own = of_covariance(0.1 * np.eye(5))
    found = compare_values(FID, Sides(before, after), sampling=own, degrees=50)
    expected = stats.ttest_ind(after, before).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.03)
    assert found.sampling == pytest.approx(math.sqrt(0.1 * (1 / 2 + 1 / 3)))


def test_trainings_that_agree_by_chance_leave_the_interval_of_images() -> None:
    before, after = [10.0, 10.01, 10.0], [7.0, 7.01]
    own = of_covariance(4 * np.eye(5))
    found = compare_values(FID, Sides(before, after), sampling=own, degrees=50)
    half = stats.t.ppf(0.975, 50) * math.sqrt(4 * (1 / 2 + 1 / 3))
    assert found.high - found.low == pytest.approx(2 * half)


def test_of_a_side_with_one_training_the_spread_holds_nothing() -> None:
    before, after = [10.0], [7.0, 8.0]
    own = of_covariance(np.diag([9.0, 0.2, 0.2]))
    found = compare_values(FID, Sides(before, after), sampling=own, degrees=50)
    spread, sampled = (0.5 - 0.2) * (1 + 1 / 2), 9 + 0.2 / 2
    noise = (0.5**2 - 0.2**2) * (1 + 1 / 2) ** 2
    freedom = (spread + sampled) ** 2 / (noise / 1 + sampled**2 / 50)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(spread + sampled)
    assert (found.low, found.high) == pytest.approx((-2.5 - half, -2.5 + half))


@pytest.mark.parametrize(
    ("better", "shift", "verdict"),
    [
        ("lower", -5, "improved"),
        ("lower", 5, "worse"),
        ("higher", 5, "improved"),
        ("higher", -5, "worse"),
        ("lower", 0, "no evidence"),
        ("higher", 0, "no evidence"),
    ],
)
def test_the_verdict_follows_the_interval_and_the_direction(better: str, shift: float, verdict: str) -> None:
    found = compare_values(
        Metric("m", "M", better), Sides([10.0], [10.0 + shift]), sampling=lambda weights: 1.0, degrees=19
    )
    assert found.verdict == verdict


def test_one_number_per_side_has_no_interval_and_proves_nothing() -> None:
    found = compare_values(FID, Sides([50.0], [10.0]))
    assert (found.low, found.high, found.verdict) == (None, None, "no evidence")


def test_infinite_scores_have_no_interval() -> None:
    (found,) = compare_pairs(Sides([scores([1.0, math.inf])], [scores([1.0, 2.0])]))
    assert (found.before, found.low, found.verdict) == (math.inf, None, "no evidence")


def test_equal_sides_are_no_evidence() -> None:
    (found,) = compare_pairs(Sides([scores([1.0, 2.0, 3.0])], [scores([1.0, 2.0, 3.0])]))
    assert (found.low, found.high, found.verdict) == (0.0, 0.0, "no evidence")


def test_images_are_matched_by_name() -> None:
    before = scores([1.0, 2.0, 3.0], ["a", "b", "c"])
    after = scores([3.5, 1.5, 2.5], ["c", "a", "b"])
    (found,) = compare_pairs(Sides([before], [after]))
    assert found.sampling == 0
    assert found.delta == pytest.approx(0.5)
    with pytest.raises(FFLError, match="different images"):
        compare_pairs(Sides([before], [scores([1.0, 2.0, 3.0], ["a", "b", "x"])]))


def coverage(intervals: list[tuple[float, float]], truth: float) -> float:
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.parametrize(("trainings", "spread"), [(1, 0.0), (2, 0.0), (2, 0.3), (3, 0.05), (3, 1.0)])
def test_intervals_of_pairs_cover_the_truth(trainings: int, spread: float) -> None:
    """500 comparisons of trainings that scatter about a known difference, on images that scatter too."""
    generator = np.random.default_rng(trainings)
    found = []
    for _ in range(500):
        image = generator.normal(0, 1, 40)
        sides = [
            [
                scores(image + mean + generator.normal(0, spread) + generator.normal(0, 0.5, 40))
                for _ in range(trainings)
            ]
            for mean in (10.0, 9.0)
        ]
        (difference,) = compare_pairs(Sides(*sides))
        found.append((difference.low, difference.high))
    assert 0.9 <= coverage(found, -1.0) <= 0.98
