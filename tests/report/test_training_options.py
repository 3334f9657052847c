"""Which recorded options differ between two sides."""

from __future__ import annotations

from ffl_plugin.report.training_options import option_differences


def test_where_a_training_writes_is_no_difference_also_in_nested_options() -> None:
    before, after = (
        {"run_dir": side, "logging.run_dir": side, "optimizer.lr": rate, "batch": 8}
        for side, rate in (("a", 0.1), ("b", 0.2))
    )
    assert option_differences([before], [after]) == {"optimizer.lr": (0.1, 0.2)}
    assert option_differences([before, {}], [{}]) == {}
