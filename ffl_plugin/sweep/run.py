"""Running the trials of a sweep on this machine; each job of a cluster runs `run_trial` too."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.sweep.engines import Settings
from ffl_plugin.sweep.plan import DONE, FAILED, RUNNING, Plan, Trial

# How long an interrupted command may take to end by itself.
GRACE_SECONDS = 30.0


def run_trial(plan: Plan, trial: Trial) -> str:
    """Run the commands of one trial and record how it ended: ``done`` or ``failed``.

    What an earlier attempt left in ``out`` is moved aside, never deleted. Interrupted, the trial stays
    recorded as running, which the next start takes for an attempt that did not end.
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
            code = _call(command, plan.folder, log)
            if code != 0:
                break
    state = DONE if code == 0 else FAILED
    trial.record(state=state, exit_code=code, seconds=round(time.time() - started, 1), **record)
    return state


def start(sweep: Path, settings: Settings) -> Here:
    """Prepare to run on this machine.

    Raises:
        FFLError: there are settings, and this machine has none.
    """
    if settings:
        raise FFLError(
            f"--engine-set {next(iter(settings))} is for an --engine such as slurm or ray; name it"
        )
    return Here()


class Here:
    """One trial after another."""

    def run(self, plan: Plan, trials: Sequence[Trial], tell: Callable[[str], None]) -> None:
        """Run the trials that are not done; one that fails does not stop the others.

        Raises:
            FFLError: interrupted, by Ctrl-C or SIGTERM; what is done stays done.
        """
        pending = [trial for trial in trials if trial.state() != DONE]
        for number, trial in enumerate(pending, 1):
            tell(f"[{number}/{len(pending)}] {trial}: training, see {trial.log}")
            try:
                with _ends_are_interruptions():
                    state = run_trial(plan, trial)
            except KeyboardInterrupt:
                raise FFLError(
                    f"interrupted while training {trial}; run the same command again to go on from there"
                ) from None
            tell(f"[{number}/{len(pending)}] {trial}: {state}")


def _call(command: Sequence[str], folder: str, log: Any) -> int:
    """The exit code of a command; 127 where it cannot be started."""
    process: Optional[subprocess.Popen[bytes]] = None
    try:
        with _interrupted_afterwards():
            # A session of its own: whatever it starts in turn can be ended with it.
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while process.poll() is None:
            time.sleep(0.2)  # Ray's interruption reaches Python code alone, not a wait of the system's
        return process.returncode
    except BaseException as error:
        if process is not None:
            _end(process)
        elif isinstance(error, OSError):
            log.write(f"{command[0]} cannot be started: {error.strerror or error}\n".encode())
            return 127
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a command and what it started to end, as Ctrl-C does, and insist after a while."""
    if not hasattr(os, "killpg"):  # Windows knows neither sessions nor asking
        process.kill()
        process.wait(GRACE_SECONDS)
        return
    # In the background of a shell, or in a task of Ray's, what we start is deaf to Ctrl-C, as we are.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    deaf = signal.SIGINT in blocked or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    asks = signal.SIGTERM if deaf else signal.SIGINT
    for number, patience in ((asks, GRACE_SECONDS), (signal.SIGKILL, GRACE_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


@contextlib.contextmanager
def _ends_are_interruptions() -> Iterator[None]:
    """Take SIGTERM and a closed terminal as Ctrl-C, so that no training is left behind alone."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt, "SIGTERM", "SIGHUP"):
        yield


@contextlib.contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Let what would interrupt wait for the end of this block: no training is started and lost sight of."""
    if threading.current_thread() is not threading.main_thread():  # signals arrive in the main one
        yield
        return
    came: list[int] = []
    try:
        with _handled_by(lambda number, frame: came.append(number), "SIGINT", "SIGTERM", "SIGHUP"):
            yield
    finally:
        for number in came:
            signal.raise_signal(number)


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, Any], None], *names: str) -> Iterator[None]:
    """Have these signals handled so, but those that are ignored, as nohup asks, or handled outside Python."""
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]  # Windows has no SIGHUP
    previous = {
        number: signal.signal(number, handler)
        for number in numbers
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _set_aside(trial: Trial) -> None:
    if not trial.out.exists():
        return
    number = 1
    while (trial.folder / f"interrupted-{number}").exists():
        number += 1
    trial.out.rename(trial.folder / f"interrupted-{number}")


@contextlib.contextmanager
def only_one(sweep: Path) -> Iterator[None]:
    """Hold a sweep's folder, so that two commands do not train the same trials.

    Raises:
        FFLError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no flock; there the user takes care.
        yield
        return
    with (sweep / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FFLError(
                f"another ffl-patch sweep is at work in {sweep}; wait for it, or give --out another folder"
            ) from None
        yield
