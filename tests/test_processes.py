"""Nothing of a command outlives the command or us: real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ffl_plugin import processes

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are POSIX's")

# Starts a child that sleeps and is deaf to SIGINT, writes both numbers, and ends as told.
COMMAND = """
import os, pathlib, signal, subprocess, sys, time
sleep = "import signal, time; signal.signal(2, signal.SIG_IGN); print(flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", sleep], stdout=subprocess.PIPE)
child.stdout.readline()
path = pathlib.Path("numbers")
path.with_suffix(".part").write_text(f"{os.getpid()} {child.pid}")
path.with_suffix(".part").rename(path)
if sys.argv[1] == "wait":
    time.sleep(600)
sys.exit(int(sys.argv[1]))
"""


def is_alive(number: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent's look does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True).stdout
    return bool(state) and not state.startswith("Z")


def numbers(folder: Path, timeout: float = 60) -> list[int]:
    deadline = time.monotonic() + timeout
    while not (folder / "numbers").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [int(number) for number in (folder / "numbers").read_text().split()]


def all_end(numbers: list[int], timeout: float = 60) -> bool:
    deadline = time.monotonic() + timeout
    while any(map(is_alive, numbers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not any(map(is_alive, numbers))


def call(folder: Path, how: str) -> int:
    with (folder / "log").open("wb") as log:
        return processes.call([sys.executable, "-c", COMMAND, how], str(folder), log)


def test_what_a_failed_command_leaves_is_ended(tmp_path: Path) -> None:
    assert call(tmp_path, "3") == 3
    assert all_end(numbers(tmp_path))


def test_what_a_failed_command_leaves_is_ended_where_it_will_not_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LEFTOVER_SECONDS", 0.5)
    deaf = COMMAND.replace("signal.signal(2, signal.SIG_IGN)", "signal.signal(15, signal.SIG_IGN)")
    with (tmp_path / "log").open("wb") as log:
        assert processes.call([sys.executable, "-c", deaf, "3"], str(tmp_path), log) == 3
    assert all_end(numbers(tmp_path))


def test_the_watch_outlives_what_asks_every_process_of_a_job_to_end(tmp_path: Path) -> None:
    """SLURM sends SIGTERM to all of them before it kills."""
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as command:
        try:
            with subprocess.Popen(
                ["sh", "-c", processes.WATCH, "sh", str(command.pid), "1"],
                stdin=subprocess.PIPE,
                start_new_session=True,
            ) as watch:
                watch.wait()
                os.killpg(watch.pid, signal.SIGTERM)
            assert command.wait(20) == -signal.SIGTERM
        finally:
            command.kill()


def test_what_a_good_command_leaves_is_its_own_affair(tmp_path: Path) -> None:
    assert call(tmp_path, "0") == 0
    _, child = numbers(tmp_path)
    assert is_alive(child)
    os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_command_ends_with_us(tmp_path: Path, number: signal.Signals) -> None:
    """SIGKILL is what the system does for want of memory: nobody is left to end the command but the watch."""
    script = f"""
import sys
from ffl_plugin import processes
with open("log", "wb") as log:
    processes.call([sys.executable, "-c", {COMMAND!r}, "wait"], ".", log)
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.DEVNULL) as ours:
        started = numbers(tmp_path)
        assert all(map(is_alive, started))
        ours.send_signal(number)
    assert all_end(started)


def test_a_command_whose_main_process_is_killed_ends_as_a_whole(tmp_path: Path) -> None:
    script = f"""
import sys
from ffl_plugin import processes
with open("log", "wb") as log:
    print(processes.call([sys.executable, "-c", {COMMAND!r}, "wait"], ".", log))
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as ours:
        main, child = numbers(tmp_path)
        os.kill(main, signal.SIGKILL)
        assert ours.communicate()[0] == "-9\n"
    assert not is_alive(child)


def test_a_command_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        assert processes.call(["no-such-program"], str(tmp_path), log) == 127
    assert (tmp_path / "log").read_text().startswith("cannot start no-such-program")


def test_the_environment_of_a_command_extends_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "kept")
    monkeypatch.setenv("BOTH", "ours")
    show = "import os; print(*(os.environ[name] for name in ('OURS', 'BOTH', 'GIVEN')))"
    command = [sys.executable, "-c", show]
    with processes.running(
        command, tmp_path, subprocess.PIPE, environment={"BOTH": "theirs", "GIVEN": "new"}
    ) as process:
        assert process.communicate()[0].split() == [b"kept", b"theirs", b"new"]
