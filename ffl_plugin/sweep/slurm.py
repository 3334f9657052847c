"""Running the trials of a sweep as SLURM jobs, through submitit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ffl_plugin.errors import FFLError
from ffl_plugin.sweep.engines import Settings
from ffl_plugin.sweep.plan import DONE, Plan, Trial, read_json, write_json
from ffl_plugin.sweep.run import run_trial

JOB = "job.json"
SECONDS_BETWEEN_LOOKS = 5.0


def start(sweep: Path, settings: Settings) -> Slurm:
    """Prepare to submit jobs.

    Args:
        sweep: the folder of the sweep; submitit's own files go below ``jobs`` in it.
        settings: submitit's parameters, such as ``timeout_min`` or ``slurm_partition``.

    Raises:
        FFLError: submitit is not installed, there is no such cluster here, or a parameter is not known to it.
    """
    try:
        import submitit
    except ModuleNotFoundError:
        raise FFLError("--engine slurm needs the package submitit: pip install 'ffl-plugin[slurm]'") from None
    try:
        executor = submitit.AutoExecutor(folder=sweep / "jobs", cluster="slurm")
        executor.update_parameters(name="ffl-sweep", **settings)
    except (RuntimeError, NameError, TypeError, ValueError, AssertionError) as error:
        raise FFLError(f"the trainings cannot be submitted to SLURM: {error}") from None
    return Slurm(sweep / "jobs", executor)


class Slurm:
    """Every trial a job."""

    def __init__(self, folder: Path, executor: Any) -> None:
        self.folder = folder
        self.executor = executor

    def run(self, plan: Plan, trials: Sequence[Trial], tell: Callable[[str], None]) -> None:
        """Submit every trial that is not done and wait for all; jobs of an earlier start are waited for too.

        Raises:
            FFLError: interrupted; the jobs go on, and the same command waits for them again.
        """
        jobs: dict[str, tuple[Trial, Any]] = {}
        for trial in trials:
            if trial.state() == DONE:
                continue
            job = self._submitted(trial)
            if job is None:
                trial.folder.mkdir(parents=True, exist_ok=True)
                job = self.executor.submit(run_trial, plan, trial)
                write_json(trial.folder / JOB, {"job": job.job_id})
            tell(f"{trial}: job {job.job_id}, see {trial.log}")
            jobs[job.job_id] = trial, job
        try:
            _wait(jobs, tell)
        except KeyboardInterrupt:
            raise FFLError("interrupted; the jobs go on, and the same command waits for them again") from None

    def _submitted(self, trial: Trial) -> Any:
        """The job of an earlier start that still runs or waits; None where there is none."""
        import submitit

        name = read_json(trial.folder / JOB).get("job")
        if not isinstance(name, str):
            return None
        job: Any = submitit.SlurmJob(folder=self.folder, job_id=name)
        return None if job.done() else job


def _wait(jobs: Mapping[str, tuple[Trial, Any]], tell: Callable[[str], None]) -> None:
    waiting = dict(jobs)
    while waiting:
        for name, (trial, job) in list(waiting.items()):
            if job.done():
                del waiting[name]
                (trial.folder / JOB).unlink(missing_ok=True)
                tell(f"{trial}: {trial.state()}")
        if waiting:
            time.sleep(SECONDS_BETWEEN_LOOKS)
