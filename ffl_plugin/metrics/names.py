"""Names of images, normalised to compare between machines."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Optional


def same_on_any_machine(name: str) -> str:
    """Return a relative path without extension, with ``/`` between folders, in composed Unicode (NFC).

    Archives made by some Windows programs separate folders with a backslash. macOS decomposes accented
    letters (NFD), and its archives contain UTF-8 without declaring it, which Python reads as code page 437.

    >>> same_on_any_machine("sub\\\\cafe\\u0301.png")
    'sub/café'
    """
    with contextlib.suppress(UnicodeError):  # other names fail in one of the two steps
        name = name.encode("cp437").decode("utf-8")
    composed = unicodedata.normalize("NFC", name.replace("\\", "/"))
    return str(PurePosixPath(composed).with_suffix(""))


def same_ignoring_case(name: str, others: Sequence[str]) -> Optional[str]:
    """Return the name that equals this one on a case-insensitive file system, or None."""
    return next((other for other in others if other.casefold() == name.casefold()), None)
