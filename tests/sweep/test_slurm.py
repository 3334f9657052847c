"""Trials as SLURM jobs: through the real submitit, on a cluster of three small programs of our own."""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ffl_plugin.errors import FFLError
from ffl_plugin.sweep import slurm as engine
from ffl_plugin.sweep.plan import Plan, open_sweep, trials

pytest.importorskip("submitit")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="SLURM runs on POSIX")

# sbatch starts a job once the file `open` is there, squeue tells how each job is, srun runs what follows
# its options. Jobs are numbered from 1.
SLURM = """
import os, subprocess, sys
home = os.path.dirname(__file__)
name = sys.argv.pop(1)
if name == "sbatch":
    number = str(len([f for f in os.listdir(home) if f.endswith(".job")]) + 1)
    open(os.path.join(home, number + ".job"), "w").write("PENDING")
    environment = dict(os.environ, SLURM_JOB_ID=number, SLURM_NTASKS="1", SLURM_JOB_NUM_NODES="1",
                       SLURM_NODEID="0", SLURM_PROCID="0", SLURM_LOCALID="0", SLURM_JOB_NODELIST="localhost")
    script = ('while [ ! -e "$1/open" ]; do sleep 0.05; done; bash "$3"; '
              'echo COMPLETED > "$1/$2.ended"; mv "$1/$2.ended" "$1/$2.job"')
    subprocess.Popen(["bash", "-c", script, "job", home, number, sys.argv[1]], env=environment,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    print("Submitted batch job " + number)
elif name == "squeue":
    for file in os.listdir(home):
        if file.endswith(".job"):
            print(file[:-4] + "|" + open(os.path.join(home, file)).read().strip())
else:
    words = sys.argv[1:]
    while words[0].startswith("--"):
        words = words[1:] if words[0] == "--unbuffered" or "=" in words[0] else words[2:]
    job = os.environ["SLURM_JOB_ID"]
    words = [word.replace("%j", job).replace("%t", "0") for word in words]
    sys.exit(subprocess.call(words))
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "slurm.py").write_text(SLURM)
    python = shlex.join([sys.executable, str(folder / "slurm.py")])
    for name in ("sbatch", "squeue", "srun"):
        (folder / name).write_text(f'#!/bin/sh\nexec {python} {name} "$@"\n')
        (folder / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(engine, "SECONDS_BETWEEN_LOOKS", 0.5)
    yield folder
    (folder / "open").touch()  # no job of a failed test waits for ever


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    touch = "import pathlib, sys; pathlib.Path(sys.argv[1], 'weight').write_text(sys.argv[2])"
    command = (sys.executable, "-c", touch, "{out}", "{weight}")
    plan = Plan(command, (), str(tmp_path), (0.0, 1.0), (0,))
    return open_sweep(tmp_path / "sweep", plan)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_jobs_are_waited_for_and_never_submitted_twice(
    slurm: Path, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "sweep"
    told: list[str] = []

    def run(**settings: int) -> None:
        engine.start(out, settings).run(plan, trials(plan, out), told.append)

    with monkeypatch.context() as context:
        context.setattr(engine, "_wait", interrupt)
        with pytest.raises(FFLError, match="the jobs continue"):
            run(timeout_min=2)
    assert len(list(slurm.glob("*.job"))) == 2
    (slurm / "open").touch()
    run(timeout_min=2)
    assert sorted(told[-2:]) == ["weight 0, seed 0: done", "weight 1, seed 0: done"]
    assert (out / "trainings" / "weight-1-seed-0" / "out" / "weight").read_text() == "1"
    run(timeout_min=2)
    assert len(list(slurm.glob("*.job"))) == 2
    assert not list(out.glob("trainings/*/job.json"))


def test_a_job_that_the_cluster_ended_is_submitted_again(slurm: Path, plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    for number, trial in enumerate(trials(plan, out), 1):
        trial.folder.mkdir(parents=True)
        trial.record(state="running")
        (trial.folder / engine.JOB).write_text(json.dumps({"job": str(number)}))
        (slurm / f"{number}.job").write_text("TIMEOUT")
    (slurm / "open").touch()
    engine.start(out, {}).run(plan, trials(plan, out), print)
    assert [trial.state() for trial in trials(plan, out)] == ["done", "done"]
    assert len(list(slurm.glob("*.job"))) == 4


def test_a_parameter_that_submitit_does_not_know_is_refused(slurm: Path, tmp_path: Path) -> None:
    for settings in ({"no_such": 1}, {"timeout_min": "long"}):
        with pytest.raises(FFLError, match="cannot submit"):
            engine.start(tmp_path / "sweep", settings)
    assert not list(slurm.glob("*.job"))


def test_a_cluster_that_is_silent_or_a_disk_that_is_late_loses_no_training(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = trials(plan, tmp_path / "sweep")[0]
    looks = [None, {"7": "COMPLETED"}, {"7": "COMPLETED"}]

    def job_states() -> dict[str, str]:
        found = looks.pop(0)
        if found is None:
            raise FFLError("SLURM does not answer")
        return found

    def look_again(_: float) -> None:
        if len(looks) == 1:  # the record is there from the third look on
            trial.folder.mkdir(parents=True)
            trial.record(state="done")

    monkeypatch.setattr(engine, "job_states", job_states)
    monkeypatch.setattr(engine.time, "sleep", look_again)
    told: list[str] = []
    engine._wait(tmp_path, {"7": trial}, told.append)
    assert told == [f"{trial}: done"]


def test_a_failed_training_fails_its_job(plan: Plan, tmp_path: Path) -> None:
    plan = replace(plan, command=(sys.executable, "-c", "raise SystemExit(3)", "{out}", "{weight}"))
    with pytest.raises(SystemExit) as ended:
        engine.run_job(plan, trials(plan, tmp_path / "sweep")[0])
    assert ended.value.code == 1


def test_a_new_job_does_not_stand_on_an_earlier_one_s_record(
    slurm: Path, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_wait", interrupt)
    for trial in trials(plan, tmp_path / "sweep"):
        trial.folder.mkdir(parents=True)
        trial.record(state="failed")
    engine_here = engine.start(tmp_path / "sweep", {})
    assert engine_here.executor.parameters["signal_delay_s"] == 0  # no SIGUSR2 before the time is out
    with pytest.raises(FFLError, match="the jobs continue"):
        engine_here.run(plan, trials(plan, tmp_path / "sweep"), print)
    assert not list((tmp_path / "sweep" / "trainings").glob(f"*/{engine.STATE}"))


def test_a_parameter_of_the_user_replaces_the_default(slurm: Path, tmp_path: Path) -> None:
    parameters = engine.start(
        tmp_path / "sweep", {"name": "mine", "slurm_signal_delay_s": 60}
    ).executor.parameters
    assert (parameters["job_name"], parameters["signal_delay_s"]) == ("mine", 60)


@pytest.mark.parametrize(
    "state",
    ["BOOT_FAIL", "CANCELLED", "DEADLINE", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"],
)
def test_a_job_that_slurm_ended_is_told_by_its_state(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """Not by the training's own record, whose exit code only shows that it was killed."""
    trial = trials(plan, tmp_path / "sweep")[0]
    trial.folder.mkdir(parents=True)
    trial.record(state="failed")
    monkeypatch.setattr(engine, "job_states", iter([{"7": state}]).__next__)
    monkeypatch.setattr(engine.time, "sleep", lambda seconds: None)
    told: list[str] = []
    engine._wait(tmp_path, {"7": trial}, told.append)
    assert len(told) == 1 and f"SLURM job 7 is {state}" in told[0]
    assert state in json.loads((trial.folder / engine.STATE).read_text())["why"]
