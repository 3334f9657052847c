"""Starting a worker: a process of its own, in whose imports the clone comes first."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import torch

TIMEOUT = 300


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
    results = scratch / "results.pt"
    results.unlink(missing_ok=True)
    run = [sys.executable, "-B", str(Path(__file__).with_name(name))]
    text = json.dumps({**job, "results": str(results)})
    try:
        done = subprocess.run(
            run, input=text, capture_output=True, text=True, check=False, cwd=job["root"], timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return f"no end within {TIMEOUT} s"
    if done.returncode != 0 or not results.exists():
        return last_error(done.stderr).replace(f"{job['root']}/", "") or f"exit code {done.returncode}"
    loaded: dict[str, Any] = torch.load(results, weights_only=True)
    return loaded


def last_error(text: str) -> str:
    """The last line of an error; of an argument parser's exit, the line before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[-1].startswith("SystemExit"):
        lines = [line for line in lines if line.startswith("train.py: error: ")] or lines
    return lines[-1] if lines else ""


def beside(stand_ins: list[str]) -> str:
    """What a check adds about libraries that were not there."""
    return f"; stand-ins for {', '.join(stand_ins)}" if stand_ins else ""
