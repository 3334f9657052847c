"""Which weight a sweep recommends, and on which results."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ffl_plugin.sweep.gather import gather
from ffl_plugin.sweep.model import SweepReport
from ffl_plugin.sweep.outcomes import find_outcome
from ffl_plugin.sweep.plan import Plan, Trial, trials

Values = Mapping[float, Sequence[float]]  # of each weight, seed by seed


def write_run(folder: Path, metric: str, value: float) -> Path:
    """A run folder of StyleGAN2-ADA, as far as one metric's log goes."""
    folder.mkdir(parents=True)
    line = {"results": {metric: value}, "snapshot_pkl": "network-snapshot-000200.pkl"}
    (folder / f"metric-{metric}.jsonl").write_text(json.dumps(line) + "\n")
    return folder


def swept(sweep: Path, metric: str, values: Values) -> SweepReport:
    seeds = tuple(range(len(values[0.0])))
    plan = Plan(("python", "train.py", "{out}"), (), str(sweep), tuple(sorted(values)), seeds)
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


@pytest.mark.parametrize("newest", [0, 1, 2])
def test_of_several_results_of_one_training_the_newest_counts(tmp_path: Path, newest: int) -> None:
    """Resumed trainings of StyleGAN leave a run folder each, whose numbers do not say which came last."""
    trial = Trial(1.0, 0, tmp_path)
    runs = [write_run(trial.out / f"0000{number}-run", "fid50k_full", 1.0) for number in range(3)]
    for number, run in enumerate(runs):
        when = 2_000_000_000 if number == newest else 1_000_000_000 + number
        os.utime(run, (when, when))
    assert find_outcome(trial, None) == runs[newest]
