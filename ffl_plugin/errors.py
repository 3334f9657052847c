"""The error that people read."""

from __future__ import annotations

from typing import Any


def readable(text: Any) -> str:
    r"""A name fit for a terminal and a page: control characters and broken encodings shown, not obeyed.

    >>> readable("a\nb.png")
    'a\\nb.png'
    """
    plain = str(text).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in plain)


class FFLError(Exception):
    """Something the user can mend, told in one sentence that names the file or shapes and the next step.

    The command line prints the sentence on standard error and exits with ``exit_code``; it never shows a
    traceback for it.
    """

    exit_code = 1
