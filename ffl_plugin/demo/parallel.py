"""Runs scripts of the training repository in parallel, logging and following their output."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Callable, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.processes import last_line, running

SECONDS_BETWEEN_LOOKS = 0.1

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
    """Run all scripts in parallel in ``folder``; call ``on_line`` for each line that one of them prints.

    Raises:
        FFLError: a script failed; the message has its last line and log. The others are stopped.
    """
    with contextlib.ExitStack() as stack:
        processes = []
        for script in scripts:
            output = stack.enter_context(script.log.open("wb"))
            command = [sys.executable, "-m", "ffl_plugin.seeded", str(seed), *script.arguments]
            processes.append(stack.enter_context(running(command, folder, output, environment=ENVIRONMENT)))
        logs = [stack.enter_context(script.log.open("rb")) for script in scripts]
        codes: list[Optional[int]] = [None]
        while None in codes:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            codes = [process.poll() for process in processes]
            for script, log, code in zip(scripts, logs, codes):
                for line in _new_lines(log):
                    on_line(script, line)
                if code:
                    last = last_line(script.log)
                    raise FFLError(f"{script.title} failed ({last}); its output is in {script.log}")


def _new_lines(log: BinaryIO) -> Iterator[str]:
    """Yield the lines written since the last call, without one that is not yet complete."""
    place = log.tell()
    while (line := log.readline()).endswith(b"\n"):
        yield line.decode("utf-8", "replace").rstrip()
        place = log.tell()
    log.seek(place)
