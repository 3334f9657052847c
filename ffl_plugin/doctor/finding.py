"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        name: what was checked, such as ``"torch"``.
        found: its version, path or state, in a few words.
        fix: the suggested fix; None if there is no problem.
    """

    name: str
    found: str
    fix: Optional[str] = None
