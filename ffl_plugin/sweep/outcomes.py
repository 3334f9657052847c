"""What became of each training: its state, and the folder of its images or logs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ffl_plugin.as_text import shortest
from ffl_plugin.errors import FFLError
from ffl_plugin.report.opening import is_run
from ffl_plugin.sweep.plan import DONE, FAILED, PENDING, RUNNING, STATE, Trial, read_json
from ffl_plugin.sweep.sweep_report import TrialResult

# Maximum depth of result folders below {out}: results/NAME/test_latest/images.
DEEPEST = 5


def find_outcome(trial: Trial, results: Optional[str]) -> Optional[Path]:
    """Return the folder of a training's images or logs; None if there is none below ``{out}``.

    Raises:
        FFLError: the path given by ``results`` does not exist.
    """
    from ffl_plugin.metrics import is_result_folder

    if results is not None:
        path = Path(trial.fill(results))
        if not path.exists():
            raise FFLError(f"{path}, given by --results for {trial}, does not exist; correct --results")
        return path
    folders = _folders(trial.out)
    for is_one in (is_result_folder, is_run):
        found = [folder for folder in folders if is_one(folder)]
        if found:
            # The topmost folder; if several, the most recent.
            highest = min(len(folder.parts) for folder in found)
            return max(
                (f for f in found if len(f.parts) == highest), key=lambda folder: folder.stat().st_mtime
            )
    return None


def _folders(top: Path) -> list[Path]:
    """Return a folder and its subfolders, except ``web``, where pix2pix writes images of training epochs."""
    folders = []
    for name, below, _ in os.walk(top):
        folder = Path(name)
        folders.append(folder)
        deep = len(folder.parts) - len(top.parts) >= DEEPEST
        below[:] = [] if deep else [child for child in below if child != "web"]
    return folders


def trial_result(trial: Trial, outcome: Optional[Path]) -> TrialResult:
    """Return a training's state and place, for the report."""
    record = read_json(trial.folder / STATE)
    seconds = record.get("seconds")
    state = trial.state()
    return TrialResult(
        weight=trial.weight,
        seed=trial.seed,
        state="interrupted" if state == RUNNING else "not started" if state == PENDING else state,
        why=str(record.get("why", "")),
        seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
        log=str(trial.log),
        outcome=None if outcome is None else str(outcome),
    )


def no_results(option: str, weight: float, trials: Sequence[Trial]) -> str:
    """Return why no training at a weight has results: all failed, none is done, or nothing was found."""
    here = [trial for trial in trials if trial.weight == weight]
    at = f"training at {option} {shortest(weight)}"
    if all(trial.state() == FAILED for trial in here):
        return f"every {at} failed"
    for trial in here:
        if trial.state() == DONE:
            return (
                f"no result folder and no log was found in {trial.out}; pass the folder of the images with "
                "--results, such as '{out}/images'"
            )
    return f"no {at} has results yet"
