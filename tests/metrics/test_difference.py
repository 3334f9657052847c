from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.difference import (
    compare_pairs,
    compare_spectra,
    compare_values,
    jackknife_error,
)
from ffl_plugin.metrics.pairs import PairScores
from ffl_plugin.metrics.spectra import SpectralStatistics


def scores(values, names=None):
    values = np.asarray(values, dtype=float)
    return PairScores(tuple(names or map(str, range(len(values)))), {"lfd": values})


def test_one_training_per_side_is_the_paired_t_interval():
    generator = np.random.default_rng(0)
    before, after = generator.normal(10, 1, 12), generator.normal(9, 1, 12)
    (found,) = compare_pairs([scores(before)], [scores(after)])
    expected = stats.ttest_rel(after, before).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.delta == pytest.approx(after.mean() - before.mean())
    assert found.training_spread is None


def test_trainings_alone_are_the_pooled_t_interval():
    before, after = [10.0, 12.0, 11.0], [7.0, 8.5]
    found = compare_values("fid", "FID", "lower", before, after)
    expected = stats.ttest_ind(after, before).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.verdict == "improved"
    assert found.sampling is None


def test_both_uncertainties_add_with_welchs_degrees_of_freedom():
    before, after, error, degrees = [10.0, 12.0], [7.0, 8.0], 0.5, 9
    found = compare_values("fid", "FID", "lower", before, after, sampling=error, degrees=degrees)
    spread = ((2 + 0.5) / 2) * (1 / 2 + 1 / 2)
    freedom = (spread + error**2) ** 2 / (spread**2 / 2 + error**4 / degrees)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(spread + error**2)
    assert (found.low, found.high) == pytest.approx((-3.5 - half, -3.5 + half))
    assert found.training_spread == pytest.approx(math.sqrt(1.25))


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
def test_the_verdict_follows_the_interval_and_the_direction(better, shift, verdict):
    found = compare_values("m", "M", better, [10.0], [10.0 + shift], sampling=1.0, degrees=19)
    assert found.verdict == verdict


def test_one_number_per_side_has_no_interval_and_proves_nothing():
    found = compare_values("fid", "FID", "lower", [50.0], [10.0])
    assert (found.low, found.high, found.verdict) == (None, None, "no evidence")


def test_infinite_scores_have_no_interval():
    (found,) = compare_pairs([scores([1.0, math.inf])], [scores([1.0, 2.0])])
    assert (found.before, found.low, found.verdict) == (math.inf, None, "no evidence")


def test_equal_sides_are_no_evidence():
    (found,) = compare_pairs([scores([1.0, 2.0, 3.0])], [scores([1.0, 2.0, 3.0])])
    assert (found.low, found.high, found.verdict) == (0.0, 0.0, "no evidence")


def test_images_are_matched_by_name():
    before = scores([1.0, 2.0, 3.0], ["a", "b", "c"])
    after = scores([3.5, 1.5, 2.5], ["c", "a", "b"])
    (found,) = compare_pairs([before], [after])
    assert found.sampling == 0
    assert found.delta == pytest.approx(0.5)
    with pytest.raises(FFLError, match="same images"):
        compare_pairs([before], [scores([1.0, 2.0, 3.0], ["a", "b", "x"])])


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(1).normal(size=30)
    left_out = np.array([np.delete(values, i).mean() for i in range(30)])
    assert jackknife_error(left_out) == pytest.approx(values.std(ddof=1) / math.sqrt(30))


def synthetic(generator, count, level, folds=20):
    """Statistics of images whose profiles scatter about ``level``: what `measure_spectra` would keep."""
    frequencies = np.array([0.0, 0.1, 0.3])
    profiles = level + generator.normal(0, 2, (count, 3))
    high = generator.uniform(0.1, 0.2, count)
    images = generator.normal(100, 5, (count, 2, 2, 3)).astype(np.float32)
    folds = min(folds, count)
    place = np.arange(count) % folds

    def summed(rows):
        return np.stack([rows[place == fold].sum(axis=0) for fold in range(folds)])

    return SpectralStatistics(
        (2, 2),
        np.bincount(place),
        np.zeros((2, 2)),
        frequencies,
        summed(profiles),
        summed(high),
        summed(images),
    )


def test_sets_of_other_size_join_their_folds():
    generator = np.random.default_rng(2)
    real, before, after = (synthetic(generator, n, 30 + n / 50) for n in (60, 10, 25))
    found = {d.metric: d for d in compare_spectra(real, [before], [after])}
    assert found["profile_distance"].low < found["profile_distance"].delta < found["profile_distance"].high
    assert found["profile_distance"].label.endswith("(N=10, 60 real)")


def test_a_set_of_one_image_has_no_interval():
    generator = np.random.default_rng(3)
    found = compare_spectra(
        *(s if i == 0 else [s] for i, s in enumerate(synthetic(generator, 1, 30) for _ in range(3)))
    )
    assert all(difference.low is None for difference in found)


def coverage(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.parametrize(("trainings", "spread"), [(1, 0.0), (2, 0.3), (3, 1.0)])
def test_intervals_of_pairs_cover_the_truth(trainings, spread):
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
        (difference,) = compare_pairs(*sides)
        found.append((difference.low, difference.high))
    assert 0.9 <= coverage(found, -1.0) <= 0.985


def test_intervals_of_spectra_cover_the_truth():
    generator = np.random.default_rng(4)
    found = []
    for _ in range(200):
        sides = [synthetic(generator, 40, level) for level in (30.0, 24.0, 25.0)]
        difference = compare_spectra(sides[0], [sides[1]], [sides[2]])[0]
        found.append((difference.low, difference.high))
    # Far from the reals the distance of profiles grows as their level does: its truth is 6 and 5 dB.
    assert 0.9 <= coverage(found, -1.0) <= 0.985
