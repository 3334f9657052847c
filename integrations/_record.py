"""Our own record of how a checkpoint folder was trained, which upstream's option files cannot keep.

Upstream overwrites ``train_opt.txt`` at every start, and ``--continue_train`` without the flag trains on
silently at weight 0. The record is only appended to: one JSON object a line, one line per start, one per
weight that a calibration found, and with a schedule one per epoch.
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
    """What an earlier part of a training did: its epochs, and the weight found for the same share, if any."""

    epochs: int = 0
    weight: Optional[float] = None


class Record:
    """The record of one checkpoint folder. Every process may read it; only the first writes.

    Args:
        folder: the folder; None where there is no telling, and then nothing is recorded.
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
        """Write down that a training starts with ``settings``; return what it continues after.

        Warns if it continues one with other settings. A folder that never saw FFL gets no record while FFL is
        off.

        Args:
            settings: of the loss.
            continued: whether it goes on with a training.
            flag: upstream's flag for that.
            iteration: at which it goes on, where weights are recorded with theirs: later ones do not count.
        """
        if self.path is None:
            if settings.on:
                _process.warn("the options name no checkpoints_dir, so this training goes without a record")
            return Trained()
        entries = self._read(self.path)
        starts = [entry["settings"] for entry in entries if "settings" in entry]
        if continued:
            sentence = describe_change(flag, starts[-1] if starts else {}, settings, self.path)
            if sentence:
                _process.warn(sentence)
        if starts or settings.on:
            version = ffl_plugin.__version__
            self._append({"continued": continued, "ffl_plugin": version, "settings": settings.to_json()})
        return _trained(entries, settings.share, iteration) if continued else Trained()

    def enter_epochs(self, epochs: int) -> None:
        """Write down how many epochs are over."""
        self._append({"epochs": epochs})

    def enter_weight(self, share: float, weight: float, iteration: Optional[int] = None) -> None:
        """Write down the weight that a calibration found for a share, and where it is known, when."""
        when = {} if iteration is None else {"iteration": iteration}
        self._append({"share": share, "weight": weight, **when})

    def _read(self, path: Path) -> list[dict[str, Any]]:
        """Every entry; a line that is none, as one cut short by a full disk, is passed over."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as problem:
            _process.warn(f"{path} cannot be read ({problem}), so nothing tells how it was trained before")
            return []
        entries = []
        for number, line in enumerate(lines, 1):
            entry = _entry(line)
            if entry is None:
                _process.warn(f"line {number} of {path} is no entry of a training, and is left as it is")
            else:
                entries.append(entry)
        return entries

    def _append(self, entry: dict[str, Any]) -> None:
        if self.path is None or _process.rank() != 0:
            return
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                if file.tell() and not self.path.read_bytes().endswith(b"\n"):
                    file.write(b"\n")  # the line before was cut short
                file.write(json.dumps({"time": now, **entry}).encode() + b"\n")
        except OSError as problem:
            _process.warn(
                f"{self.path} cannot be written ({problem}), so this training goes without a record"
            )


def _entry(line: str) -> Optional[dict[str, Any]]:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    known: dict[str, Any] = {"settings": dict, "epochs": int, "weight": (int, float)}
    fits = isinstance(entry, dict) and any(isinstance(entry.get(key), kind) for key, kind in known.items())
    return entry if fits else None


def _trained(entries: list[dict[str, Any]], share: float, iteration: float) -> Trained:
    """What there was up to an iteration, since the folder was last trained from the beginning."""
    trained = Trained()
    for entry in entries:
        if "epochs" in entry:
            trained = replace(trained, epochs=entry["epochs"])
        elif "weight" in entry and entry.get("iteration", 0) > iteration:
            continue
        elif "weight" in entry:
            trained = replace(trained, weight=entry["weight"] if entry.get("share") == share else None)
        elif not entry.get("continued"):
            trained = Trained()
    return replace(trained, weight=trained.weight or None)


def describe_change(flag: str, before: Mapping[str, Any], now: Settings, source: Path) -> Optional[str]:
    """One sentence, naming old and new, if going on with ``now`` changes what ``before`` trained; else None.

    Args:
        flag: upstream's flag that goes on with a training.
        before: recorded settings; empty for a training without FFL.
        now: the present settings.
        source: the file that ``before`` was read from, whether or not it exists.
    """
    old = {**Settings(spectrum=now.spectrum).to_json(), **before}
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
    why = f"{source} tells how it trained" if before else f"without {source}, it trained without FFL"
    return f"{flag} changes {', '.join(changed)} ({why})"
