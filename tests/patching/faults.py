"""A disk of which any step can fail, and what a clone looks like afterwards."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Callable

import pytest
from clones import contents

from ffl_plugin.patching import Plan, disk

STEPS = ("write_new", "back_up", "replace", "sync_folder", "remove")
CALLS = ("open", "write", "fsync", "ftruncate", "link", "replace", "unlink")


class Killed(BaseException):
    """The process is gone: nothing that it would have done afterwards happens."""


class Faults:
    """Counts the steps on the disk and lets one of them, or all from one on, fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.at = -1
        self.error: Callable[[], BaseException] = lambda: OSError(errno.ENOSPC, "No space left on device")
        self.for_ever = False
        self.after = False
        for module, names in ((disk, STEPS), (disk.Journal, ("begin", "done")), (os, CALLS)):
            for name in names:
                monkeypatch.setattr(module, name, self._failing(name, getattr(module, name)))

    def _failing(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def failing(*arguments: Any) -> Any:
            number = len(self.done)
            self.done.append(name)
            fails = self.at >= 0 and (number == self.at or (self.for_ever and number > self.at))
            if fails and (number > self.at or not self.after):
                raise self.error()
            result = step(*arguments)
            if fails:
                raise self.error()
            return result

        return failing

    def set(self, at: int, *, killed: bool = False, for_ever: bool = False, after: bool = False) -> None:
        self.done.clear()
        self.at, self.for_ever, self.after = at, for_ever or killed, after
        if killed:
            self.error = Killed


def without_leftovers(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in found.items() if not Path(name).name.startswith(".")}


def wholly(found: dict[str, bytes], old: dict[str, bytes], plan: Plan) -> str:
    """Say whether the files of a clone are wholly old or wholly new; "mixed" otherwise."""
    new = {**old, **{change.name: change.new for change in plan.changes}}
    found = without_leftovers(found)
    return "old" if found == old else "new" if found == new else "mixed"


def restore(clone: Path, old: dict[str, bytes]) -> None:
    for name in contents(clone).keys() - old.keys():
        (clone / name).unlink()
    for name, data in old.items():
        (clone / name).write_bytes(data)
