"""Commands that a message proposes: they work where they are pasted."""

from __future__ import annotations

import shlex
from pathlib import Path


def command_line(words: str, root: Path) -> str:
    """Return an ``ffl-patch`` command on a clone, with the folder that the user gave."""
    return f"ffl-patch {words}" + ("" if root == Path() else f" {shlex.quote(str(root))}")
