"""The error that people read."""

from __future__ import annotations


class FFLError(Exception):
    """Something the user can mend, told in one sentence that names the file or shapes and the next step.

    The command line prints the sentence on standard error and exits with ``exit_code``; it never shows a
    traceback for it.
    """

    exit_code = 1
