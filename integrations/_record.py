"""Our own record of how a checkpoint folder was trained, which upstream's option files cannot keep.

Upstream overwrites ``train_opt.txt`` at every start, and ``--continue_train`` without the flag trains on
silently at weight 0. The record is only appended to: one JSON object a line, one line per start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import ffl_plugin
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._settings import FLAGS, Settings

FILE_NAME = "ffl_opt.jsonl"


def enter(folder: Path, settings: Settings, continued: bool) -> None:
    """Write down that a training starts in ``folder``, and warn if it continues one with other settings.

    A folder that never saw FFL gets no record while FFL is off. Only the first process reads and writes.
    """
    if _process.rank() != 0:
        return
    path = folder / FILE_NAME
    starts = _read(path)
    if continued:
        _compare(path, starts[-1]["settings"] if starts else {}, settings)
    if not starts and settings.weight == 0:
        return
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    _append(
        path,
        {
            "time": now,
            "continued": continued,
            "ffl_plugin": ffl_plugin.__version__,
            "settings": settings.to_json(),
        },
    )


def _read(path: Path) -> list[dict[str, Any]]:
    """Every start in the record; a line that is none, as one cut short by a full disk, is passed over."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as problem:
        _process.warn(
            f"{path} cannot be read ({problem}), so nothing tells how this folder was trained before"
        )
        return []
    starts = []
    for number, line in enumerate(lines, 1):
        try:
            start = json.loads(line)
            if not isinstance(start["settings"], dict):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            _process.warn(f"line {number} of {path} is not a record of a training, and is left as it is")
        else:
            starts.append(start)
    return starts


def _compare(path: Path, before: Mapping[str, Any], now: Settings) -> None:
    """Warn, naming old and new, when a training goes on with other settings than it had."""
    old = {**Settings(spectrum=now.spectrum).to_json(), **before}  # without a record it trained without FFL
    new = now.to_json()
    if old["weight"] == 0 and now.weight == 0:
        return
    watched = [flag for flag in FLAGS if flag.setting == "weight" or (old["weight"] and now.weight)]
    changed = [
        f"{flag.name} from {old[flag.setting]} to {new[flag.setting]}"
        for flag in watched
        if old[flag.setting] != new[flag.setting]
    ]
    if changed:
        source = (
            f"{path} tells how it trained" if before else f"there is no {path}, so it trained without FFL"
        )
        _process.warn(f"--continue_train changes {', '.join(changed)} ({source})")


def _append(path: Path, start: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8") as file:
            file.write(_line_break_if_cut_short(path) + json.dumps(start) + "\n")
    except OSError as problem:
        _process.warn(f"{path} cannot be written ({problem}), so this training goes without a record")


def _line_break_if_cut_short(path: Path) -> str:
    return "" if path.read_bytes()[-1:] in (b"", b"\n") else "\n"
