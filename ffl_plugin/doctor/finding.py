"""What the doctor says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: what it is, such as ``"torch"``.
        found: its version, place or state, in a few words.
        mend: the sentence that mends it; None where nothing is wrong.
    """

    name: str
    found: str
    mend: Optional[str] = None
