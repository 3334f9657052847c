"""Running one command so that nothing of it outlives us, however it or we end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

# How long an interrupted command may take to end by itself; SLURM kills 30 seconds after it asks (KillWait).
GRACE_SECONDS = 20.0
# The same for what a command leaves behind when it fails.
LEFTOVER_SECONDS = 5.0

# A shell in the background that reads from us. A line says that the command has ended; the end of its input
# without a line says that we were killed, and then it ends the command's processes. It is no child of ours:
# with a worker Ray kills the worker's children, but not theirs.
# It is deaf from the start: what a cluster sends to every process of a job reaches it as well.
WATCH = """
trap '' HUP INT TERM
exec 3<&0
{
    read -r ended && exit
    kill -s TERM -- "-$1"; sleep "$2"; kill -s KILL -- "-$1"
} <&3 3<&- &
"""


def call(
    command: Sequence[str], folder: str, log: Any, environment: Optional[Mapping[str, str]] = None
) -> int:
    """The exit code of a command that runs in a folder; 127 where it cannot be started.

    ``environment`` is added to our own.

    When we are interrupted, or killed, the command ends with all that it started. What a failed command
    leaves behind is ended as well: a training whose main process was killed would go on in its children.
    """
    with contextlib.ExitStack() as stack:
        with _interrupted_afterwards():
            try:
                # A session of its own: whatever it starts in turn can be ended with it.
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
            except OSError as error:
                log.write(f"{command[0]} cannot be started: {error.strerror or error}\n".encode())
                return 127
            stack.enter_context(_outlived(process))
        while process.poll() is None:
            time.sleep(0.2)  # Ray's interruption reaches Python code alone, not a wait of the system's
    return process.returncode


@contextlib.contextmanager
def interrupted_by(*names: str) -> Iterator[None]:
    """Take these signals as Ctrl-C, so that no training is left behind alone.

    Args:
        names: such as ``SIGTERM``; those that this system lacks or the user has ignored are left out.
    """

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt, *names):
        yield


@contextlib.contextmanager
def _outlived(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a command at the end of the block, or when we are killed before it."""
    if not hasattr(os, "killpg"):  # Windows knows neither sessions nor asking
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
    with watch.stdin:  # without a line where a second Ctrl-C cuts the end short: the shell goes on with it
        try:
            yield
        finally:
            _end(process)
            with contextlib.suppress(BrokenPipeError):
                watch.stdin.write(b"ended\n")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a command to end, as Ctrl-C does, and insist after a while; the same for what it started."""
    # In the background of a shell, or in a task of Ray's, what we start is deaf to Ctrl-C, as we are.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    deaf = signal.SIGINT in blocked or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    for number in (signal.SIGTERM if deaf else signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            _signal(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
    if process.returncode == 0:
        return  # what a command leaves on purpose, such as a server of pages
    deadline = time.monotonic() + LEFTOVER_SECONDS
    there = _signal(process.pid, signal.SIGTERM)
    while there and time.monotonic() < deadline:
        time.sleep(0.1)
        there = _signal(process.pid, 0)
    if there:
        _signal(process.pid, signal.SIGKILL)


def _signal(session: int, number: int) -> bool:
    """Send a signal to all processes of a session; False where there is none."""
    try:
        os.killpg(session, number)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Let what would interrupt wait for the end of this block: no training is started and lost sight of."""
    if threading.current_thread() is not threading.main_thread():  # signals arrive in the main one
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
