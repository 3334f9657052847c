from __future__ import annotations

import pytest

from ffl_plugin.errors import readable
from ffl_plugin.metrics.metric import Metric
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import compare_values
from ffl_plugin.report import formatting

LFD = Metric("lfd", "LFD")


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.3456, "12.35"), (-0.00123, "−0.001230"), (0.0, "0.000"), (float("inf"), "∞"), (None, "–")],
)
def test_a_number_has_four_digits(value: float | None, text: str) -> None:
    assert formatting.number(value) == text


def test_a_change_has_no_more_digits_than_its_interval_is_worth() -> None:
    row = compare_values(LFD, Sides([20.0997, 20.065], [20.1009, 20.063]))
    assert formatting.change(row).lstrip("−+") == "0.00"
    assert formatting.values(row) == ("20.08", "20.08")
    alone = compare_values(LFD, Sides([20.0997], [20.1009]))
    assert formatting.change(alone) == "+0.0012"


def test_a_small_spread_keeps_two_digits() -> None:
    row = compare_values(LFD, Sides([20.1, 20.2], [20.15, 20.3]))
    assert formatting.values(row) == ("20.15", "20.23")
    assert formatting.deviation(0.00034, row) == "0.00034"
    assert formatting.deviation(1.5, row) == "1.50"
    assert formatting.deviation(0.0, row) == "0.00"


def test_a_level_that_is_unknown_is_a_dash() -> None:
    assert (formatting.decibels(-3.25), formatting.decibels(None)) == ("−3.2 dB", "–")


def test_control_characters_and_broken_encodings_are_shown() -> None:
    assert readable("a\n\x1b[31m\u202e\udce9é") == "a\\n\\x1b[31m\\u202e\\udce9é"
