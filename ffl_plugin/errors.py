"""Errors shown to users."""

from __future__ import annotations

from typing import Any


def readable(text: Any) -> str:
    r"""Return text safe for a terminal or a page: control characters and invalid encodings are escaped.

    >>> readable("a\nb.png")
    'a\\nb.png'
    """
    plain = str(text).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in plain)


class FFLError(Exception):
    """An error the user can fix: one sentence that names the file or shapes and the next step.

    The command line prints the message on standard error and exits with ``exit_code``, without a traceback.
    """

    exit_code = 1
