"""Runs the trials of a sweep on this machine; cluster jobs also use `run_trial`."""

from __future__ import annotations

import contextlib
import shlex
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ffl_plugin.errors import FFLError
from ffl_plugin.files import try_lock
from ffl_plugin.processes import call, interrupted_by, last_line
from ffl_plugin.sweep.engines import Settings
from ffl_plugin.sweep.plan import DONE, FAILED, RUNNING, Plan, Trial


def run_trial(plan: Plan, trial: Trial) -> str:
    """Run the commands of one trial and record the outcome: ``done`` or ``failed``.

    The ``out`` of an earlier attempt is moved aside, never deleted. An interrupted trial stays recorded as
    running, which the next start treats as unfinished.
    """
    trial.folder.mkdir(parents=True, exist_ok=True)
    _set_aside(trial)
    trial.out.mkdir()
    commands = plan.commands(trial)
    started = time.time()
    record: dict[str, Any] = {"commands": commands, "started": started, "host": socket.gethostname()}
    trial.record(state=RUNNING, **record)
    code = 0
    with trial.log.open("ab") as log:
        for command in commands:
            log.write(f"$ {shlex.join(command)}\n".encode("utf-8", "surrogateescape"))
            log.flush()
            code = call(command, plan.folder, log)
            if code != 0:
                break
    state = DONE if code == 0 else FAILED
    trial.record(state=state, exit_code=code, seconds=round(time.time() - started, 1), **record)
    return state


def start(sweep: Path, settings: Settings) -> Here:
    """Return the engine for this machine.

    Raises:
        FFLError: settings are given; this engine has none.
    """
    if settings:
        raise FFLError(f"--engine-set {next(iter(settings))} needs an --engine such as slurm or ray; add it")
    return Here()


class Here:
    """Runs one trial after another."""

    def run(self, plan: Plan, trials: Sequence[Trial], echo: Callable[[str], None]) -> None:
        """Run the trials that are not done; a failed one does not stop the others.

        Raises:
            FFLError: interrupted by Ctrl-C or SIGTERM; completed trials are kept.
        """
        pending = [trial for trial in trials if trial.state() != DONE]
        for number, trial in enumerate(pending, 1):
            echo(f"[{number}/{len(pending)}] {trial}: training, see {trial.log}")
            try:
                with interrupted_by("SIGTERM", "SIGHUP"):
                    state = run_trial(plan, trial)
            except KeyboardInterrupt:
                raise FFLError(
                    f"interrupted while training {trial}; run the same command again to continue"
                ) from None
            echo(f"[{number}/{len(pending)}] {trial}: {state}")


def refuse_failed(trials: Sequence[Trial]) -> None:
    """Refuse trials of which one failed, with the last line of the first one's log.

    Raises:
        FFLError: a trial failed.
    """
    failed = [trial for trial in trials if trial.state() == FAILED]
    if failed:
        last = last_line(failed[0].log)
        fix = "install what the clone's requirements ask for" if "ModuleNotFoundError" in last else "fix it"
        raise FFLError(
            f"{len(failed)} of {len(trials)} trainings failed; the first is {failed[0]} ({last}; its whole "
            f"output is in {failed[0].log}); {fix} and run the same command again"
        )


def _set_aside(trial: Trial) -> None:
    if not trial.out.exists():
        return
    number = 1
    while (trial.folder / f"interrupted-{number}").exists():
        number += 1
    trial.out.rename(trial.folder / f"interrupted-{number}")


@contextlib.contextmanager
def only_one(sweep: Path) -> Iterator[None]:
    """Lock a sweep's folder, so that two commands do not train the same trials.

    Raises:
        FFLError: another process has locked it.
    """
    with (sweep / ".lock").open("w") as lock:
        if not try_lock(lock.fileno()):
            raise FFLError(
                f"another ffl-patch command is training in {sweep}; wait for it, or pass another --out folder"
            )
        yield
