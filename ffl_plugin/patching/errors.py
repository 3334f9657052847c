"""The refusals of the engine: one sentence with place, problem and next step."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ffl_plugin.errors import FFLError


class PatchError(FFLError):
    """A refusal; nothing was written. The message names file and line, the problem and the next step.

    Args:
        problem: the problem, without a full stop.
        file: path of the file inside the clone, with forward slashes.
        line: 1-based line in that file.
        next_step: what the user can do about it, without a full stop.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: Optional[str] = None,
        line: Optional[int] = None,
        next_step: Optional[str] = None,
    ) -> None:
        self.problem = problem
        self.file = file
        self.line = line
        self.next_step = next_step
        super().__init__(problem)

    def advise(self, next_step: str) -> PatchError:
        """Return the same refusal with a default next step."""
        return PatchError(self.problem, file=self.file, line=self.line, next_step=self.next_step or next_step)

    @property
    def place(self) -> str:
        """The place as a prefix: ``"train.py:12: "``, or empty."""
        line = "" if self.line is None else f":{self.line}"
        return "" if self.file is None else f"{self.file}{line}: "

    def __str__(self) -> str:
        step = "" if self.next_step is None else f"; {self.next_step}"
        return f"{self.place}{self.problem}{step}."


def english(names: Sequence[str]) -> str:
    """Return ``"a"``, ``"a and b"`` or ``"a, b and c"``."""
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def lines_text(lines: Sequence[int]) -> str:
    """Return ``"line 3"`` or ``"lines 3, 8 and 9"``."""
    return f"line{'s' if lines[1:] else ''} {english([str(line) for line in lines])}"


def command_line(arguments: str, root: Path) -> str:
    """Return an ``ffl-patch`` command for a clone, with the folder as given by the user."""
    return f"ffl-patch {arguments}" + ("" if root == Path() else f" {shlex.quote(str(root))}")
