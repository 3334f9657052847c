"""The refusals of the engine: one sentence that says where, what and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ffl_plugin.errors import FFLError


class PatchError(FFLError):
    """Nothing was written: the sentence names the file and line, what did not fit, and the next step.

    Args:
        problem: what did not fit, without a full stop.
        file: path of the file inside the clone, with forward slashes.
        line: 1-based line in that file.
        next_step: what the reader can do about it, without a full stop.
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
        """Return the same refusal, with this next step where it has none of its own."""
        return PatchError(self.problem, file=self.file, line=self.line, next_step=self.next_step or next_step)

    @property
    def place(self) -> str:
        """Where it is, as the beginning of a sentence: ``"train.py:12: "``, or nothing."""
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


def command_line(words: str, root: Path) -> str:
    """Return an ``ffl-patch`` command on a clone, with the folder that the user gave."""
    return f"ffl-patch {words}" + ("" if root == Path() else f" {shlex.quote(str(root))}")
