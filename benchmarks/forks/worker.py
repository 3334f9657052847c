"""Starting a worker: a process of its own, in whose imports the clone comes first.

Each is forked off a process that has imported torch already, which takes most of the time otherwise.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import re
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import torch

TIMEOUT = 300
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["torch", "numpy", "PIL.Image", "click"])


@dataclass(frozen=True)
class Check:
    """How a check of a patched clone went.

    Args:
        outcome: ``right``, ``wrong`` or ``not run``.
        text: what was seen, or why it was not run.
    """

    outcome: str
    text: str


def run_worker(name: str, job: dict[str, Any], scratch: Path) -> Union[dict[str, Any], str]:
    """The results of a worker; the last line of its error where it has none."""
    results, errors = scratch / "results.pt", scratch / "errors.txt"
    results.unlink(missing_ok=True)
    errors.write_text("", encoding="utf-8")
    script = str(Path(__file__).with_name(name))
    text = json.dumps({**job, "results": str(results)})
    process = WARM.Process(target=work, args=(script, text, job["root"], str(errors)))
    process.start()
    process.join(TIMEOUT)
    if process.is_alive():
        process.kill()
        process.join()
        return f"no end within {TIMEOUT} s"
    if process.exitcode != 0 or not results.exists():
        said = last_error(errors.read_text(encoding="utf-8", errors="replace"))
        return below(said, Path(job["root"]), scratch) or f"exit code {process.exitcode}"
    loaded: dict[str, Any] = torch.load(results, weights_only=True)
    return loaded


def work(script: str, job: str, folder: str, errors: str) -> None:
    """Be a worker: run a script with a job as its input, in a folder, its errors in a file."""
    for stream, path in ((1, os.devnull), (2, errors)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, stream)
    os.chdir(folder)
    sys.dont_write_bytecode = True
    sys.argv, sys.stdin = [script], io.StringIO(job)
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")


def last_error(text: str) -> str:
    """The last line of an error; of an argument parser's exit, the line before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[-1].startswith("SystemExit"):
        lines = [line for line in lines if line.startswith("train.py: error: ")] or lines
    return lines[-1] if lines else ""


def below(text: str, *folders: Path) -> str:
    """A sentence with paths as seen from the folders, which are another machine's tomorrow."""
    for folder in folders:
        text = text.replace(f"{folder}/", "").replace(str(folder), "the copy")
    return re.sub(r"[^\s(]*/site-packages/", "", text)


def beside(stand_ins: list[str]) -> str:
    """What a check adds about libraries that were not there."""
    return f"; stand-ins for {', '.join(stand_ins)}" if stand_ins else ""
