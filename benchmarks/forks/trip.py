"""The round trip: apply, parse, apply again, status, revert, and compare every byte and mode."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from forks.tree import changed_files, differences, snapshot, syntax_error


@dataclass(frozen=True)
class Trip:
    """How a round trip ended.

    Args:
        outcome: ``applied``, ``refused`` or ``harmed``.
        reason: the tool's sentence when it refused; what went wrong when it harmed.
        files: the files it edited.
    """

    outcome: str
    reason: str = ""
    files: list[str] = field(default_factory=list)


USAGE = 2


class Harm(Exception):
    """A promise that was not kept; the text says which."""


def round_trip(target: str, clone: Path) -> Trip:
    """Run the whole trip on a copy of a clone, and leave the copy as it was (unless harmed)."""
    try:
        return _round_trip(target, clone)
    except Harm as harm:
        return Trip("harmed", str(harm))


def _round_trip(target: str, clone: Path) -> Trip:
    before = snapshot(clone)
    applied = command("apply", target, str(clone))
    after = snapshot(clone)
    if applied.returncode != 0:
        _expect(not differences(before, after), "a refused apply left: ", differences(before, after))
        return Trip("refused", sentence(applied, clone))
    files = changed_files(before, after)
    _expect(bool(files), "apply ended well and changed nothing", [])
    others = [line for line in differences(before, after) if line.split(" has other bytes")[0] not in files]
    _expect(not others, "apply also left: ", others)
    for name in files:
        error = syntax_error(clone / name)
        _expect(not error, f"{name} no longer parses: ", [error])
        _expect(before[name].mode == after[name].mode, f"{name} has another mode", [])

    again = command("apply", target, str(clone))
    _expect(again.returncode == 0, "a second apply failed: ", [sentence(again, clone)])
    _expect(snapshot(clone) == after, "a second apply changed: ", differences(after, snapshot(clone)))

    status = command("status", target, str(clone), "--check")
    _expect(status.returncode == 0, "status does not see what is applied: ", [sentence(status, clone)])
    _expect(snapshot(clone) == after, "status changed: ", differences(after, snapshot(clone)))

    reverted = command("revert", target, str(clone))
    _expect(reverted.returncode == 0, "revert failed: ", [sentence(reverted, clone)])
    _expect(snapshot(clone) == before, "revert left: ", differences(before, snapshot(clone)))
    return Trip("applied", files=files)


def _expect(kept: bool, broken: str, details: list[str]) -> None:
    if not kept:
        raise Harm(broken + "; ".join(details[:3]))


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``ffl-patch`` as a user does, in a process of its own."""
    run = [sys.executable, "-c", "from ffl_plugin.cli import main; main()", *arguments]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    if "Traceback (most recent call last)" in done.stderr:
        raise Harm(f"ffl-patch {arguments[0]} ended in a traceback: {done.stderr.splitlines()[-1]}")
    if done.returncode == USAGE:
        raise RuntimeError(done.stderr)
    return done


def sentence(done: subprocess.CompletedProcess[str], clone: Path) -> str:
    """What the tool said on standard error, on one line, without the path of the copy."""
    text = " ".join((done.stderr or done.stdout).split())
    return text.replace(f"{clone}/", "").replace(str(clone), "the clone").removeprefix("Error: ")


def copy_clone(clone: Path, to: Path) -> Path:
    """Copy a clone without its ``.git``, links as links, modes kept."""
    shutil.copytree(clone, to, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    return to
