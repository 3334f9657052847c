"""Runs the trials of a sweep as SLURM jobs, submitted through submitit."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ffl_plugin.errors import FFLError
from ffl_plugin.processes import interrupted_by
from ffl_plugin.sweep.engines import Settings, fail
from ffl_plugin.sweep.plan import DONE, FAILED, STATE, Plan, Trial, read_json, write_json
from ffl_plugin.sweep.run import run_trial

JOB = "job.json"
SECONDS_BETWEEN_LOOKS = 5.0
COMPLETED = "COMPLETED"
FORGOTTEN = "no longer known"  # ended some minutes ago
# Final job states: https://slurm.schedmd.com/squeue.html#SECTION_JOB-STATE-CODES
ENDED = {COMPLETED, FORGOTTEN, "BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"}
ENDED |= {"PREEMPTED", "TIMEOUT"}


def start(sweep: Path, settings: Settings) -> Slurm:
    """Return an engine that submits jobs.

    Args:
        sweep: the folder of the sweep; submitit's files go to ``jobs`` in it.
        settings: submitit's parameters, such as ``timeout_min`` or ``slurm_partition``. Without a time limit
            the cluster's own applies, not submitit's five minutes.

    Raises:
        FFLError: submitit is not installed, there is no SLURM cluster here, or a parameter is unknown.
    """
    try:
        import submitit
    except ModuleNotFoundError:
        raise FFLError("--engine slurm needs the package submitit: pip install 'ffl-plugin[slurm]'") from None
    # By default submitit requests SIGUSR2 90 seconds before the time limit, which would kill the training.
    defaults: dict[str, Any] = {"name": "ffl-sweep", "slurm_signal_delay_s": 0}
    try:
        executor = submitit.AutoExecutor(folder=sweep / "jobs", cluster="slurm")
        executor.update_parameters(**{**defaults, **settings})
    except (RuntimeError, NameError, TypeError, ValueError, AssertionError) as error:
        raise FFLError(f"cannot submit trainings to SLURM: {error}") from None
    job_states()
    return Slurm(sweep / "jobs", executor)


class Slurm:
    """Runs each trial as a job."""

    def __init__(self, folder: Path, executor: Any) -> None:
        self.folder = folder
        self.executor = executor

    def run(self, plan: Plan, trials: Sequence[Trial], echo: Callable[[str], None]) -> None:
        """Submit every trial that is not done and wait for all, including jobs of an earlier start.

        Raises:
            FFLError: a job is rejected; or the command is interrupted: the jobs continue, and the same
                command waits for them again.
        """
        pending = [trial for trial in trials if trial.state() != DONE]
        states = job_states() if pending else {}
        if pending and self.executor.parameters.setdefault("time", None) is None:
            echo("without a limit such as --engine-set timeout_min=600, the cluster's own time limit applies")
        jobs: dict[str, Trial] = {}
        try:
            for trial in pending:
                name = read_json(trial.folder / JOB).get("job")
                if not isinstance(name, str) or states.get(name, FORGOTTEN) in ENDED:
                    name = self._submit(plan, trial)
                echo(f"{trial}: job {name}, see {trial.log}")
                jobs[name] = trial
            _wait(self.folder, jobs, echo)
        except KeyboardInterrupt:
            raise FFLError("interrupted; the jobs continue: run the same command to wait for them") from None

    def _submit(self, plan: Plan, trial: Trial) -> str:
        """Submit a job and return its id."""
        trial.folder.mkdir(parents=True, exist_ok=True)
        (trial.folder / STATE).unlink(missing_ok=True)  # must not be mistaken for this attempt's
        try:
            name = str(self.executor.submit(run_job, plan, trial).job_id)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise FFLError(f"SLURM rejected the job of {trial}: {' '.join(str(error).split())}") from None
        write_json(trial.folder / JOB, {"job": name})
        return name


def _wait(folder: Path, jobs: Mapping[str, Trial], echo: Callable[[str], None]) -> None:
    waiting = dict(jobs)
    while waiting:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        try:
            states = job_states()
        except FFLError:
            continue  # a cluster that does not answer for a while has not lost its jobs
        for name, trial in list(waiting.items()):
            state = states.get(name, FORGOTTEN)
            # The record of a completed job may appear late on a network file system.
            late = state == COMPLETED and trial.state() not in (DONE, FAILED)
            if not late and state in ENDED:
                del waiting[name]
                (trial.folder / JOB).unlink(missing_ok=True)
                echo(f"{trial}: {_outcome(trial, name, state, folder / f'{name}_0_log.err')}")


def _outcome(trial: Trial, name: str, state: str, log: Path) -> str:
    """Return a trial's outcome: its own record, unless SLURM ended the job or there is none."""
    own = trial.state()
    if own == DONE or (own == FAILED and state in (COMPLETED, "FAILED", FORGOTTEN)):
        return own
    return fail(trial, f"SLURM job {name} is {state}, see {log}")


def run_job(plan: Plan, trial: Trial) -> None:
    """Run one trial in a job: cancelling the job ends the training, and a failed training fails the job."""
    with interrupted_by("SIGTERM", "SIGUSR2"):
        if run_trial(plan, trial) != DONE:
            raise SystemExit(1)


def job_states() -> dict[str, str]:
    """Return the state of each of the user's jobs that SLURM lists, by job id.

    SLURM lists a job for minutes after its end, even without accounting (which ``sacct`` needs).

    Raises:
        FFLError: SLURM does not answer.
    """
    command = ["squeue", "--me", "--noheader", "--states=all", "--format=%A|%T"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        trouble = " ".join(answer.stderr.split()) if answer.returncode else None
    except OSError as error:
        trouble = f"squeue is not available on this machine ({error.strerror or error})"
    if trouble is not None:
        raise FFLError(f"cannot submit trainings to SLURM, which does not answer: {trouble}")
    return dict(line.split("|", 1) for line in answer.stdout.splitlines() if "|" in line)
