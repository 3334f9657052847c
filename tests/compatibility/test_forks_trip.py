"""The round trip, against a tool that keeps its promises, and one that breaks each of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from forks import trip
from forks.trip import Trip, round_trip
from forks_material import ROOT, tree


class Tool:
    """`ffl-patch`, as far as the trip sees it: appends a line to a.py, and takes it out again."""

    def __init__(self, clone: Path) -> None:
        self.file = clone / "a.py"

    def __call__(
        self, command: str, target: str, clone: str, *flags: str
    ) -> subprocess.CompletedProcess[str]:
        answer = getattr(self, command)()
        return subprocess.CompletedProcess([], *(answer or (0, "", "")))

    def apply(self) -> Any:
        if not self.file.read_bytes().endswith(b"ffl = 1\n"):
            self.file.write_bytes(self.file.read_bytes() + b"ffl = 1\n")

    def status(self) -> Any:
        pass

    def revert(self) -> Any:
        self.file.write_bytes(self.file.read_bytes().replace(b"ffl = 1\n", b""))


class Refuses(Tool):
    def apply(self) -> Any:
        return 1, "", f"Error: {self.file}: a jittor port.\n"


class RefusesAndWrites(Refuses):
    def apply(self) -> Any:
        (self.file.parent / "a.py.tmp").touch()
        return super().apply()


class AppliesNothing(Tool):
    def apply(self) -> Any:
        pass


class LeavesFiles(Tool):
    def apply(self) -> Any:
        super().apply()
        (self.file.parent / "state.json").touch()


class BreaksSyntax(Tool):
    def apply(self) -> Any:
        self.file.write_bytes(b"a = \n")


class ChangesModes(Tool):
    def apply(self) -> Any:
        super().apply()
        self.file.chmod(0o600)


class AppliesTwice(Tool):
    def apply(self) -> Any:
        self.file.write_bytes(self.file.read_bytes() + b"ffl = 1\n")


class DeniesStatus(Tool):
    def status(self) -> Any:
        return 3, "pix2pix: absent", ""


class RevertsHalf(Tool):
    def revert(self) -> Any:
        self.file.write_bytes(self.file.read_bytes().replace(b"ffl = 1\n", b"\n"))


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (Tool, Trip("applied", files=["a.py"])),
        (Refuses, Trip("refused", "a.py: a jittor port.")),
        (RefusesAndWrites, Trip("harmed", "a refused apply left: a.py.tmp is new")),
        (AppliesNothing, Trip("harmed", "apply ended well and changed nothing")),
        (LeavesFiles, Trip("harmed", "apply also left: state.json is new")),
        (BreaksSyntax, Trip("harmed", "a.py no longer parses: invalid syntax (a.py, line 1)")),
        (ChangesModes, Trip("harmed", "a.py has another mode")),
        (AppliesTwice, Trip("harmed", "a second apply changed: a.py has other bytes")),
        (DeniesStatus, Trip("harmed", "status does not see what is applied: pix2pix: absent")),
        (RevertsHalf, Trip("harmed", "revert left: a.py has other bytes")),
    ],
)
def test_round_trip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: type[Tool], expected: Trip
) -> None:
    tree(tmp_path)
    monkeypatch.setattr(trip, "command", tool(tmp_path))
    assert round_trip("pix2pix", tmp_path) == expected


def test_round_trip_of_the_real_tool(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "tests" / "fixtures" / "pix2pix", clone)
    assert round_trip("pix2pix", clone) == Trip("applied", files=["models/pix2pix_model.py"])


def test_a_tool_that_cannot_run_is_no_refusal(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no target"):
        trip.command("apply", "no-such-target", str(tmp_path))
