"""How long steps report: a callback ``progress(done, total, what)``, and a bar on standard error for it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Callable, Optional

Progress = Callable[[int, int, str], None]


@contextlib.contextmanager
def progress_bar(enabled: Optional[bool] = None) -> Iterator[Progress]:
    """Yield a ``progress(done, total, what)`` that draws one line on standard error.

    ``enabled=None`` draws only on a terminal. The line is redrawn at most ten times a second and always
    at the end of a step.
    """
    draws = sys.stderr.isatty() if enabled is None else enabled
    started: dict[str, float] = {}
    drawn = 0.0
    unfinished = False

    def draw(done: int, total: int, what: str) -> None:
        nonlocal drawn, unfinished
        now = time.monotonic()
        begun = started.setdefault(what, now)
        if not draws or (done < total and now - drawn < 0.1):
            return
        drawn = now
        filled = 24 * done // max(total, 1)
        remaining = (now - begun) / max(done, 1) * (total - done)
        line = f"\r{what:<28.28} [{'#' * filled:<24}] {done:,}/{total:,}  {remaining:4.0f} s left "
        unfinished = done < total
        if not unfinished:
            del started[what]  # the next step of that name has a time of its own
        sys.stderr.write(line if unfinished else f"{line}\n")
        sys.stderr.flush()

    try:
        yield draw
    finally:
        if unfinished:
            sys.stderr.write("\n")
