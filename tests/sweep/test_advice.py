"""Which weight a sweep recommends, and on which results."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ffl_plugin.errors import FFLError
from ffl_plugin.report.verdict import NO_SPREAD
from ffl_plugin.sweep.gather import gather
from ffl_plugin.sweep.outcomes import find_outcome, no_results
from ffl_plugin.sweep.plan import Plan, Trial, trials
from ffl_plugin.sweep.sweep_report import SweepReport

Values = Mapping[float, Sequence[float]]  # of each weight, seed by seed


def write_run(folder: Path, metric: str, value: float) -> Path:
    """A run folder of StyleGAN2-ADA, as far as one metric's log goes."""
    folder.mkdir(parents=True)
    line = {"results": {metric: value}, "snapshot_pkl": "network-snapshot-000200.pkl"}
    (folder / f"metric-{metric}.jsonl").write_text(json.dumps(line) + "\n")
    return folder


def swept(sweep: Path, metric: str, values: Values, *arguments: str) -> SweepReport:
    seeds = tuple(range(len(values[0.0])))
    plan = Plan(("python", "train.py", "{out}", *arguments), (), str(sweep), tuple(sorted(values)), seeds)
    everything = trials(plan, sweep)
    for trial in everything:
        trial.folder.mkdir(parents=True)
        write_run(trial.out / "00000-run", metric, values[trial.weight][trial.seed])
        trial.record(state="done")
    return gather(plan, everything, sweep)


CLOSE, SCATTERED = (48.0, 48.1, 48.2), (20.0, 80.0, 40.0)


@pytest.mark.parametrize(
    ("others", "best"),
    [
        pytest.param({1.0: SCATTERED}, None, id="a better mean without evidence"),
        pytest.param({1.0: SCATTERED, 2.0: CLOSE}, 2.0, id="evidence before a better mean"),
        pytest.param({1.0: (90.0, 91.0, 92.0)}, None, id="worse"),
        pytest.param({1.0: (40.0, 41.0, 42.0), 2.0: (30.0, 31.0, 32.0)}, 2.0, id="the best of two"),
        pytest.param({1.0: (30.0, 31.0, 32.0), 2.0: (40.0, 41.0, 42.0)}, 1.0, id="the best comes first"),
    ],
)
def test_only_a_weight_with_evidence_is_recommended(
    tmp_path: Path, others: Values, best: float | None
) -> None:
    report = swept(tmp_path, "fid50k_full", {0.0: (50.0, 51.0, 52.0), **others})
    assert report.advice.best == best
    assert report.to_json()["best"] == best
    expected = "Stay at weight 0" if best is None else f"Take weight {best:g}"
    assert report.advice.opening == expected


def test_where_more_is_better_the_highest_is_recommended(tmp_path: Path) -> None:
    values = {0.0: (0.50, 0.51), 1.0: (0.70, 0.71), 2.0: (0.60, 0.61)}
    assert swept(tmp_path, "pr50k3_full_precision", values).advice.best == 1.0


LOW, LOWER, HIGH = (30.0, 31.0, 32.0), (20.0, 21.0, 22.0), (90.0, 91.0, 92.0)


@pytest.mark.parametrize(
    ("others", "selected"),
    [
        pytest.param({1.0: LOW}, False, id="the only one"),
        pytest.param({1.0: LOW, 2.0: LOWER}, True, id="the best of two"),
        pytest.param({1.0: HIGH, 2.0: HIGH}, False, id="none"),
    ],
)
def test_the_best_of_several_weights_is_biased(tmp_path: Path, others: Values, selected: bool) -> None:
    report = swept(tmp_path, "fid50k_full", {0.0: (50.0, 51.0, 52.0), **others})
    assert any("biases it upwards" in caveat for caveat in report.caveats) is selected


@pytest.mark.parametrize(
    ("seeds", "arguments", "by_chance"), [(2, (), True), (1, (), False), (2, ("--seed={seed}",), False)]
)
def test_several_trainings_without_a_seed_differ_by_chance(
    tmp_path: Path, seeds: int, arguments: Sequence[str], by_chance: bool
) -> None:
    values = {0.0: (50.0, 51.0)[:seeds], 1.0: (48.0, 52.0)[:seeds]}
    report = swept(tmp_path, "fid50k_full", values, *arguments)
    assert any("only by chance" in caveat for caveat in report.caveats) is by_chance


def test_a_caveat_of_several_comparisons_is_told_once(tmp_path: Path) -> None:
    report = swept(tmp_path, "fid50k_full", {0.0: (50.0,), 1.0: (48.0,), 2.0: (49.0,)})
    assert report.caveats == (NO_SPREAD,)


@pytest.mark.parametrize("option", ["weight", "share"])
def test_results_are_where_the_user_says(tmp_path: Path, option: str) -> None:
    trial = Trial(0.3, 1, tmp_path, option)
    where = f"{{out}}/of-{{{option}}}-{{seed}}"
    with pytest.raises(FFLError, match="correct --results"):
        find_outcome(trial, where)
    (trial.out / "of-0.3-1").mkdir(parents=True)
    assert find_outcome(trial, where) == trial.out / "of-0.3-1"


def write_results(folder: Path) -> Path:
    """Results of pix2pix, as far as their names go."""
    folder.mkdir(parents=True)
    for label in ("real_A", "fake_B", "real_B"):
        (folder / f"1_{label}.png").touch()
    return folder


def test_images_of_a_test_come_before_logs_and_images_of_epochs(tmp_path: Path) -> None:
    trial = Trial(1.0, 0, tmp_path)
    write_results(trial.out / "checkpoints/maps/web/images")
    assert find_outcome(trial, None) is None
    run = write_run(trial.out / "00000-run", "fid50k_full", 1.0)
    assert find_outcome(trial, None) == run
    write_results(trial.out / "results/maps/test_latest/images")
    assert find_outcome(trial, None) == trial.out / "results/maps"


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (("failed", "failed"), "every training at weight 1 failed"),
        (("failed", "running"), "no training at weight 1 has results yet"),
        (("failed", "done"), "--results"),
    ],
)
def test_why_a_weight_has_no_results(tmp_path: Path, states: Sequence[str], reason: str) -> None:
    everything = [Trial(1.0, seed, tmp_path / str(seed)) for seed in range(len(states))]
    for trial, state in zip(everything, states):
        trial.folder.mkdir()
        trial.record(state=state)
    assert reason in no_results("weight", 1.0, everything)


@pytest.mark.parametrize("newest", [0, 1, 2])
def test_of_several_results_of_one_training_the_newest_counts(tmp_path: Path, newest: int) -> None:
    """Resumed trainings of StyleGAN leave a run folder each, whose numbers do not say which came last."""
    trial = Trial(1.0, 0, tmp_path)
    runs = [write_run(trial.out / f"0000{number}-run", "fid50k_full", 1.0) for number in range(3)]
    for number, run in enumerate(runs):
        when = 2_000_000_000 if number == newest else 1_000_000_000 + number
        os.utime(run, (when, when))
    assert find_outcome(trial, None) == runs[newest]
