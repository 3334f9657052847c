"""Runs commands so that none of their processes outlive the caller, however either ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Optional, Union

# Time for an interrupted command to exit by itself; SLURM kills 30 seconds after it asks (KillWait).
GRACE_SECONDS = 20.0
# The same for processes that a failed command leaves behind.
LEFTOVER_SECONDS = 5.0

# A background shell that reads from our pipe. A line means that the command has ended; end of file without a
# line means that we were killed, and it then kills the command's processes. It is not our child: when Ray
# kills a worker, it also kills the worker's children, but not theirs. It ignores signals from the start,
# since a cluster signals every process of a job.
WATCH = """
trap '' HUP INT TERM
exec 3<&0
{
    read -r ended && exit
    kill -s TERM -- "-$1"; sleep "$2"; kill -s KILL -- "-$1"
} <&3 3<&- &
"""


def call(command: Sequence[str], folder: str, log: IO[bytes]) -> int:
    """Run a command in a folder and return its exit code; 127 if it cannot be started.

    Its output goes to ``log``. Its processes end as those of ``running``.
    """
    with contextlib.ExitStack() as stack:
        try:
            process = stack.enter_context(running(command, folder, log))
        except OSError as error:
            log.write(f"cannot start {command[0]}: {error.strerror or error}\n".encode())
            return 127
        while process.poll() is None:
            time.sleep(0.2)  # Ray's interruption reaches Python code only, not a blocking system call
    return process.returncode


@contextlib.contextmanager
def running(
    command: Sequence[str],
    folder: Union[str, Path],
    stdout: Union[int, IO[bytes]],
    stderr: Union[int, IO[bytes]] = subprocess.STDOUT,
    environment: Optional[Mapping[str, str]] = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command in a folder; ``environment`` extends the current one. Raises OSError if it cannot.

    At the end of the block, or if this process is killed, the command and all its descendants are ended. So
    are the processes that a failed command leaves behind: a training whose main process was killed would
    continue in its children.
    """
    with contextlib.ExitStack() as stack:
        with _interrupted_afterwards():
            process = stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,  # so that all descendants can be signalled
                )
            )
            stack.enter_context(_outlived(process))
        yield process


def last_line(output: Union[str, Path]) -> str:
    """Return the last line that is not blank of a text, or of a log; "no output" if there is none."""
    if isinstance(output, Path):
        output = output.read_text(encoding="utf-8", errors="replace") if output.is_file() else ""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no output")


@contextlib.contextmanager
def interrupted_by(*names: str) -> Iterator[None]:
    """Treat these signals as Ctrl-C, so that no training is orphaned.

    Args:
        names: such as ``SIGTERM``; signals that the system lacks or the user ignores are skipped.
    """

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt, *names):
        yield


@contextlib.contextmanager
def _outlived(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a command at the end of the block, or if this process is killed before."""
    if not hasattr(os, "killpg"):  # Windows has neither sessions nor SIGTERM
        try:
            yield
        finally:
            process.kill()
            process.wait(GRACE_SECONDS)
        return
    watch = subprocess.Popen(
        ["sh", "-c", WATCH, "sh", str(process.pid), f"{GRACE_SECONDS:g}"],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    watch.wait()
    assert watch.stdin is not None
    with watch.stdin:  # closed without a line if a second Ctrl-C interrupts `_end`: the shell then finishes
        try:
            yield
        finally:
            _end(process)
            with contextlib.suppress(BrokenPipeError):
                watch.stdin.write(b"ended\n")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a command, kill it after a grace period, and do the same to its descendants."""
    # In the background of a shell, or in a Ray task, children inherit an ignored SIGINT.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    deaf = signal.SIGINT in blocked or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    for number in (signal.SIGTERM if deaf else signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            _signal(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
    if process.returncode == 0:
        return  # processes that a successful command leaves on purpose, such as a web server
    deadline = time.monotonic() + LEFTOVER_SECONDS
    alive = _signal(process.pid, signal.SIGTERM)
    while alive and time.monotonic() < deadline:
        time.sleep(0.1)
        alive = _signal(process.pid, 0)
    if alive:
        _signal(process.pid, signal.SIGKILL)


def _signal(session: int, number: int) -> bool:
    """Send a signal to all processes of a session; return False if there are none."""
    try:
        os.killpg(session, number)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Defer signals to the end of the block, so that no started training is lost."""
    if threading.current_thread() is not threading.main_thread():  # signals arrive in the main thread
        yield
        return
    came: list[int] = []
    try:
        with _handled_by(lambda number, frame: came.append(number), "SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"):
            yield
    finally:
        for number in came:
            signal.raise_signal(number)


@contextlib.contextmanager
def _handled_by(handler: Any, *names: str) -> Iterator[None]:
    """Install a handler for signals, except those that are ignored, as under nohup, or not set by Python."""
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
