"""A record of how a checkpoint folder was trained, which the upstream's option files do not keep.

The upstream overwrites ``train_opt.txt`` at every start, and ``--continue_train`` without the flag silently
trains at weight 0. The record is append-only JSON Lines: one line per start, one per calibrated weight, and
with a schedule one per epoch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional

import ffl_plugin
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._flags import FLAGS, OBSERVING
from ffl_plugin.integrations._settings import Settings

FILE_NAME = "ffl_opt.jsonl"


@dataclass(frozen=True)
class Trained:
    """State of an earlier part of a training: its epochs, and the weight found for its share, if valid."""

    epochs: int = 0
    weight: Optional[float] = None


class Record:
    """The record of one checkpoint folder. Every process may read it; only the main one writes.

    Args:
        folder: the folder; None if unknown, in which case nothing is recorded.
    """

    def __init__(self, folder: Optional[Path]) -> None:
        self.path = None if folder is None else folder / FILE_NAME

    def enter(
        self,
        settings: Settings,
        continued: bool,
        flag: str = "--continue_train",
        iteration: float = math.inf,
    ) -> Trained:
        """Record the start of a training with ``settings``; return the state that it continues from.

        Warns if it continues with different settings. A folder never trained with FFL gets no record while
        FFL is off.

        Args:
            settings: settings of the loss.
            continued: whether it continues a training.
            flag: upstream's flag for that.
            iteration: where it continues; weights recorded for later iterations are ignored.
        """
        if self.path is None:
            if settings.on:
                _process.warn("the options define no checkpoints_dir, so this training is not recorded")
            return Trained()
        entries = self._read(self.path)
        starts = [entry["settings"] for entry in entries if "settings" in entry]
        if continued:
            _process.warn(describe_change(flag, starts[-1] if starts else {}, settings, self.path))
        if starts or settings.on:
            version = ffl_plugin.__version__
            self._append({"continued": continued, "ffl_plugin": version, "settings": settings.to_json()})
        return _trained(entries, settings, iteration) if continued else Trained()

    def enter_epochs(self, epochs: int) -> None:
        """Record the number of completed epochs."""
        self._append({"epochs": epochs})

    def enter_weight(self, share: float, weight: float, iteration: Optional[int] = None) -> None:
        """Record the weight that a calibration found for a share, and the iteration if known."""
        when = {} if iteration is None else {"iteration": iteration}
        self._append({"share": share, "weight": weight, **when})

    def _read(self, path: Path) -> list[dict[str, Any]]:
        """Return all entries; an invalid line, such as one truncated by a full disk, is skipped."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as problem:
            _process.warn(f"cannot read {path} ({problem}), so earlier settings are unknown")
            return []
        entries = []
        for number, line in enumerate(lines, 1):
            entry = _entry(line)
            if entry is None:
                _process.warn(f"line {number} of {path} is not a record entry and is skipped")
            else:
                entries.append(entry)
        return entries

    def _append(self, entry: dict[str, Any]) -> None:
        if self.path is None or not _process.is_main():
            return
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                if file.tell() and not self.path.read_bytes().endswith(b"\n"):
                    file.write(b"\n")  # the previous line was truncated
                file.write(json.dumps({"time": now, **entry}).encode() + b"\n")
        except OSError as problem:
            _process.warn(f"cannot write {self.path} ({problem}), so this training is not recorded")


def _entry(line: str) -> Optional[dict[str, Any]]:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    known: dict[str, Any] = {"settings": dict, "epochs": int, "weight": (int, float)}
    fits = isinstance(entry, dict) and any(isinstance(entry.get(key), kind) for key, kind in known.items())
    return entry if fits else None


def _trained(entries: list[dict[str, Any]], settings: Settings, iteration: float) -> Trained:
    """State up to an iteration, since the folder was last trained from scratch."""
    trained, started = Trained(), settings.to_json()
    for entry in entries:
        started = entry.get("settings", started)
        if "epochs" in entry:
            trained = replace(trained, epochs=entry["epochs"])
        elif "weight" in entry and entry.get("iteration", 0) > iteration:
            continue
        elif "weight" in entry:
            valid = not settings.invalidating_changes({**started, "share": entry.get("share")})
            trained = replace(trained, weight=entry["weight"] if valid else None)
        elif not entry.get("continued"):
            trained = Trained()
    return replace(trained, weight=trained.weight or None)


def describe_change(flag: str, before: Mapping[str, Any], now: Settings, source: Path) -> Optional[str]:
    """Return a sentence with old and new values if ``now`` differs from ``before``; else None.

    Args:
        flag: the upstream's flag that continues a training.
        before: recorded settings; empty for a training without FFL.
        now: the current settings.
        source: the file that ``before`` was read from, whether or not it exists.
    """
    old = now.earlier(before)
    new = now.to_json()
    both = all(options["weight"] or options["share"] for options in (old, new))
    weighing = ("weight", "share")
    watched = [item for item in FLAGS if item.setting in weighing or (both and item.setting not in OBSERVING)]
    changed = [
        f"{item.name} from {old[item.setting]} to {new[item.setting]}"
        for item in watched
        if old[item.setting] != new[item.setting]
    ]
    if not changed:
        return None
    why = f"according to {source}" if before else f"without {source}, it trained without FFL"
    anew = old["share"] and now.share and now.invalidating_changes(old)
    return f"{flag} changes {', '.join(changed)} ({why}){'; the weight is calibrated anew' if anew else ''}"
