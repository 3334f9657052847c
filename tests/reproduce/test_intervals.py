from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from ffl_plugin.reproduce.intervals import interval, paired_difference


def test_the_interval_is_students():
    values = [20.1, 20.4, 19.9, 20.2]
    low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    ours = interval(values)
    assert (ours.mean - ours.half_width, ours.mean + ours.half_width) == pytest.approx((low, high))


def test_it_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = sum(
        abs(i.mean) <= i.half_width for i in (interval(rng.normal(0, 1, 3).tolist()) for _ in range(2000))
    )
    assert 0.935 < hits / 2000 < 0.965


def test_pairing_takes_out_what_the_seeds_share():
    baseline = [10.0, 20.0, 30.0]
    difference = paired_difference([11.0, 21.1, 30.9], baseline)
    assert difference.mean == pytest.approx(1.0)
    assert difference.half_width < 0.3
    assert difference.excludes_zero
    with pytest.raises(ValueError, match="3 and 2 values"):
        paired_difference(baseline, [1.0, 2.0])


def test_one_seed_has_no_interval():
    single = interval([5.0])
    assert (single.mean, single.half_width, single.excludes_zero) == (5.0, None, False)
