"""Which row decides, and what limits the answer."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from ffl_plugin.metrics.metric import Metric
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import Difference, compare_values
from ffl_plugin.report.verdict import ONE_TRAINING, deciding_row, reach_verdict

ORDER = (
    "cmmd_unbiased",
    "fid_limit",
    "fd_dinov2_limit",
    "kid",
    "kd_alexnet",
    "lpips",
    "lfd",
    "profile_distance",
)


def row(key: str, decides: bool = True) -> Difference:
    found = compare_values(Metric(key, key.upper()), Sides([3.0], [1.0]), sampling=lambda weights: 0.1)
    return replace(found, decides=decides)


PAIRS = [
    pair
    for pair in itertools.combinations(ORDER, 2)
    if pair not in {("fid_limit", "fd_dinov2_limit"), ("kid", "kd_alexnet")}  # never in one comparison
]


@pytest.mark.parametrize("pair", PAIRS, ids=" before ".join)
def test_the_order_of_what_may_decide_is_fixed(pair: tuple[str, str]) -> None:
    """Whichever row comes first, and whatever else there is."""
    first, second = map(row, pair)
    for rows in ([first, second], [second, first], [row("mse"), second, row("fid"), first]):
        assert deciding_row(rows) == first
    assert deciding_row([row(pair[0], decides=False), second]) == second


@pytest.mark.parametrize("metric", ["fid_limit", "kid", "lpips", "fid50k_full"])
def test_a_metric_that_the_loss_does_not_minimise_has_no_caveat(metric: str) -> None:
    assert not any("what the loss minimises" in caveat for caveat in reach_verdict([row(metric)]).caveats)


@pytest.mark.parametrize("metric", ["lfd", "profile_distance"])
def test_a_verdict_on_spectra_says_that_the_loss_minimises_them(metric: str) -> None:
    caveat = reach_verdict([row(metric)]).caveats[0]
    assert "close to what the loss minimises" in caveat
    assert caveat.startswith("FID was not measured")
    undecided = replace(row("fid", decides=False), note="Too few.")
    assert reach_verdict([undecided, row(metric)]).caveats[0].startswith("FID does not decide")


@pytest.mark.parametrize(("after", "one"), [([1.0], True), ([1.0, 1.1], False)])
def test_one_training_per_side_says_nothing_of_seeds(after: list[float], one: bool) -> None:
    found = compare_values(Metric("kid", "KID"), Sides([3.0], after), sampling=lambda weights: 0.1)
    assert (ONE_TRAINING in reach_verdict([found]).caveats) is one
