from __future__ import annotations

import pytest

from ffl_plugin.metrics import progress, progress_bar


def test_every_step_has_a_line_and_a_time_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0, 20.0, 100.0, 110.0, 120.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress_bar(True) as report:
        for _ in range(2):  # two sets, one after the other
            for done in (1, 2, 3):
                report(done, 4 if done < 3 else 3, "features")
    lines = capsys.readouterr().err.replace("\n", "\r").split("\r")
    # 10 s for two of four: as long again, and no more for the second set, which began at 100 s.
    halfway = [line.split("]")[1].split() for line in lines if "2/4" in line]
    assert halfway == [["2/4", "0:00:10", "left"]] * 2


def test_the_estimate_follows_the_last_half_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A thousand images that are in the cache within a second, then one every ten seconds.
    times = [0.0, 1.0, *(10.0 * step for step in range(1, 11))]
    clock = iter(times)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress_bar(True) as report:
        for done in [1, *range(1000, 1011)]:
            report(done, 2000, "images")
    last = capsys.readouterr().err.replace("\n", "\r").rstrip("\r").split("\r")[-1]
    assert last.split("]")[1].split() == ["1,010/2,000", "2:45:00", "left"]


def test_nothing_is_drawn_where_it_is_not_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    for enabled in (None, False):  # None: only on a terminal
        with progress_bar(enabled) as report:
            report(1, 1, "features")
    assert capsys.readouterr().err == ""


def test_an_interrupted_bar_ends_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), progress_bar(True) as report:
        report(1, 5, "features")
        raise KeyboardInterrupt
    assert capsys.readouterr().err.endswith("left \n")
