"""Which trainings of a sweep are compared seed by seed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ffl_plugin.cli import main
from ffl_plugin.sweep.gather import gather
from ffl_plugin.sweep.plan import Plan, trials
from ffl_plugin.sweep.sweep_report import SweepReport

SEEDED, UNSEEDED = ("python", "train.py", "{out}", "--seed={seed}"), ("python", "train.py", "{out}")
# What a seed does to FID at every weight; at weight 1 all are lower by about 2.
FID = (20.0, 31.0, 25.0, 40.0, 28.0)


def swept(
    sweep: Path,
    done: Mapping[float, Sequence[int]],
    paired: bool | None = None,
    command: tuple[str, ...] = SEEDED,
) -> SweepReport:
    """Gather a sweep over five seeds, of which those that are done left logs."""
    plan = Plan(command, (), str(sweep), (0.0, 1.0), tuple(range(5)))
    everything = trials(plan, sweep)
    for trial in everything:
        run = trial.out / "00000-run"
        run.mkdir(parents=True)
        fid = FID[trial.seed] - (2 + trial.seed / 10) * trial.weight
        line = {"results": {"fid50k_full": fid}, "snapshot_pkl": "network-snapshot-000200.pkl"}
        (run / "metric-fid50k_full.jsonl").write_text(json.dumps(line) + "\n")
        trial.record(state="done" if trial.seed in done[trial.weight] else "failed")
    return gather(plan, everything, sweep, paired_seeds=paired)


FOUR, THREE = (0, 1, 2, 3), (0, 1, 2)


@pytest.mark.parametrize(
    ("done", "asked", "command", "paired"),
    [
        pytest.param((FOUR, FOUR), None, SEEDED, True, id="from four on"),
        pytest.param((THREE, THREE), None, SEEDED, False, id="three"),
        pytest.param((FOUR, FOUR), None, UNSEEDED, False, id="the command takes no seed"),
        pytest.param((range(5), FOUR), None, SEEDED, False, id="one failed"),
        pytest.param((FOUR, (0, 1, 2, 4)), None, SEEDED, False, id="as many, of other seeds"),
        pytest.param((FOUR, FOUR), False, SEEDED, False, id="four, not wanted"),
        pytest.param((THREE, THREE), True, SEEDED, True, id="three, wanted"),
    ],
)
def test_seeds_are_paired(
    tmp_path: Path,
    done: tuple[Sequence[int], Sequence[int]],
    asked: bool | None,
    command: tuple[str, ...],
    paired: bool,
) -> None:
    report = swept(tmp_path, dict(zip((0.0, 1.0), done)), asked, command)
    (weight,) = report.to_json()["weights"]
    assert weight["paired_seeds"] is paired
    assert any("paired by seed:" in remark for remark in report.remarks) == paired
    assert report.advice.best == (1.0 if paired else None)
    (result,) = report.weights
    assert result.row is not None
    assert result.row.before_trainings == tuple(FID[seed] for seed in done[0])


def test_seeds_that_do_not_match_cannot_be_paired(tmp_path: Path) -> None:
    report = swept(tmp_path, {0.0: FOUR, 1.0: (0, 1, 2, 4)}, paired=True)
    (result,) = report.weights
    assert result.comparison is None
    assert "0, 1, 2, 3" in result.why_not and "0, 1, 2, 4" in result.why_not


def test_a_command_without_a_seed_is_refused_before_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["sweep", "--paired-seeds", "--out", "out", "--", sys.executable, "train.py", "{out}"])
    assert end.value.code == 1
    assert "{seed}" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
