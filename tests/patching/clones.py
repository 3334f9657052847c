"""Look-alike clones for the tests of the patch engine."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

FIXTURES = Path(__file__).parents[1] / "fixtures"
MakeClone = Callable[[str], Path]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
