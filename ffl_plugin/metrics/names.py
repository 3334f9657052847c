"""Names of images as they compare between machines."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Optional


def same_on_any_machine(name: str) -> str:
    """A relative path without extension, with ``/`` between folders and composed letters (Unicode's NFC).

    Archives made by some Windows programs separate folders with a backslash. macOS decomposes accented
    letters (NFD), and its archives hold UTF-8 without saying so, which Python then reads as code page 437.

    >>> same_on_any_machine("sub\\\\cafe\\u0301.png")
    'sub/café'
    """
    with contextlib.suppress(UnicodeError):  # of any other name, one of the two steps fails
        name = name.encode("cp437").decode("utf-8")
    composed = unicodedata.normalize("NFC", name.replace("\\", "/"))
    return str(PurePosixPath(composed).with_suffix(""))


def same_but_for_case(name: str, others: Sequence[str]) -> Optional[str]:
    """The other name that a file system without upper and lower case would take for this one, or None."""
    return next((other for other in others if other.casefold() == name.casefold()), None)
