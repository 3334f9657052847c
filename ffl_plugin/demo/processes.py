"""Runs scripts of the training repository in parallel, logging and following their output."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from ffl_plugin.errors import FFLError

# One CPU thread each: the two together use two cores, and more threads would wait for each other.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
    "WANDB_MODE": "disabled",
}


@dataclass(frozen=True)
class Script:
    """A script of the training repository, run seeded; its output goes to ``log``."""

    title: str
    arguments: Sequence[str]
    log: Path


def run_together(
    scripts: Sequence[Script], folder: Path, seed: int, on_line: Callable[[Script, str], None]
) -> None:
    """Run all scripts in parallel in ``folder``; call ``on_line`` for each line, in this thread.

    Raises:
        FFLError: a script failed; the message has its last line and log. The others are stopped.
    """
    lines: queue.Queue[tuple[Script, Optional[str]]] = queue.Queue()
    processes: list[subprocess.Popen[str]] = []
    followers: list[threading.Thread] = []
    try:
        for script in scripts:
            processes.append(_start(script, folder, seed))
            followers.append(threading.Thread(target=_follow, args=(script, processes[-1], lines)))
            followers[-1].start()
        unfinished = len(scripts)
        while unfinished:
            script, line = lines.get()
            if line is not None:
                on_line(script, line)
                continue
            unfinished -= 1
            if processes[list(scripts).index(script)].wait() != 0:
                raise FFLError(_failure(script))
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        for follower in followers:
            follower.join()


def _start(script: Script, folder: Path, seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ffl_plugin.seeded", str(seed), *script.arguments],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def _follow(
    script: Script, process: subprocess.Popen[str], lines: queue.Queue[tuple[Script, Optional[str]]]
) -> None:
    """Copy each line to the log and the queue, then put None."""
    assert process.stdout is not None
    with process.stdout as printed, script.log.open("w", encoding="utf-8") as log:
        for line in printed:
            log.write(line)
            lines.put((script, line.rstrip()))
    lines.put((script, None))


def _failure(script: Script) -> str:
    printed = [line for line in script.log.read_text(encoding="utf-8").splitlines() if line.strip()]
    last = printed[-1] if printed else "no output"
    return f"{script.title} failed ({last}); its output is in {script.log}"
