from __future__ import annotations

import numpy as np
import pytest
from features_material import DIMENSIONS, draw

from ffl_plugin.metrics import frechet_distance
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import compare_fid
from ffl_plugin.metrics.uncertainty.of_fid import own_effects


def coverage(metric: str, count: int, paired: bool, repetitions: int = 200) -> float:
    """Share of intervals that hold the change: of FID at that number of images, of its limit at any."""
    random = np.random.default_rng(1)
    found = []
    for _ in range(repetitions):
        real, before, after = draw(random, count)
        if not paired:
            after = draw(random, count)[2]
        rows = compare_fid(real, Sides([before], [after]), paired=paired)
        found.append(next(row for row in rows if row.metric == metric))
    truth = float(np.mean([row.delta for row in found]))
    if metric == "fid_limit":
        real, before, after = draw(random, 200_000)
        truth = frechet_distance(after, real) - frechet_distance(before, real)
        assert truth < -0.05
    return float(np.mean([row.low <= truth <= row.high for row in found]))


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("metric", "count"), [("fid", 6), ("fid", 12), ("fid", 60), ("fid_limit", 18), ("fid_limit", 60)]
)
def test_the_interval_covers_the_truth(metric: str, count: int, paired: bool) -> None:
    """In 12 dimensions; 0.95 is promised."""
    assert 0.90 <= coverage(metric, count, paired) <= 0.98


@pytest.mark.parametrize("metric", ["fid", "fid_limit"])
def test_the_interval_covers_no_change_of_noise_alone(metric: str) -> None:
    """Two equal generators, as far from the reals as noise is: the second order is half of the variance."""
    random = np.random.default_rng(4)
    deltas = []
    for _ in range(200):
        real, before, after = random.normal(size=(3, 40, DIMENSIONS)) * np.array([1, 1.3, 1.3])[:, None, None]
        rows = compare_fid(real, Sides([before], [after]))
        deltas.append(next(row for row in rows if row.metric == metric))
    assert 0.90 <= np.mean([row.low <= 0 <= row.high for row in deltas]) <= 0.98
    errors = np.sqrt(np.mean([(row.sampling or 0) ** 2 for row in deltas]))
    assert 0.85 < errors / np.std([row.delta for row in deltas]) < 1.15


def test_what_a_tilted_image_does_to_its_own_influence_is_not_noise() -> None:
    """In many dimensions it is more than all that the others do to it, and much the same for every image."""
    random = np.random.default_rng(5)
    change = random.normal(size=9)
    itself = 100.0 * (-1.0) ** np.arange(9)
    assert own_effects(change + itself) == pytest.approx(own_effects(change))
    assert np.std(own_effects(change)) == pytest.approx(np.std(change), rel=0.2)


def test_pairs_make_the_interval_narrower() -> None:
    real, before, after = draw(np.random.default_rng(2), 400)
    widths = [
        (found.high or 0) - (found.low or 0)
        for found in (compare_fid(real, Sides([before], [after]), paired=p)[1] for p in (True, False))
    ]
    assert widths[0] < 0.9 * widths[1]


def test_verdicts_in_words() -> None:
    real, before, after = draw(np.random.default_rng(3), 2000)
    improved, limit = compare_fid(real, Sides([before], [after]), paired=True)
    assert improved.verdict == limit.verdict == "improved"
    assert (improved.metric, limit.metric) == ("fid", "fid_limit")
    assert improved.delta == pytest.approx(improved.after - improved.before)
    assert [row.verdict for row in compare_fid(real, Sides([after], [before]), paired=True)] == ["worse"] * 2
    _, again, _ = draw(np.random.default_rng(4), 2000)
    assert [row.verdict for row in compare_fid(real, Sides([before], [again]))] == ["no evidence"] * 2


def test_several_trainings_show_their_spread_apart() -> None:
    random = np.random.default_rng(6)
    real = draw(random, 500)[0]
    trainings = [draw(random, 500)[1] * scale for scale in (0.9, 1.0, 1.1, 1.2)]
    found = compare_fid(real, Sides(trainings[:2], trainings[2:]))[1]
    single = compare_fid(real, Sides(trainings[:1], trainings[2:3]))[1]
    assert found.training_spread is not None
    assert found.sampling is not None
    assert found.training_spread > 0
    assert single.training_spread is None
    assert (found.high or 0) - (found.low or 0) > (single.high or 0) - (single.low or 0)
