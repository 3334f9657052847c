"""Progress reporting: a callback ``progress(done, total, what)``, and a bar on standard error."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import Callable, Optional

Progress = Callable[[int, int, str], None]

_RECENT = 30.0  # seconds used for the estimate, because cached items go much faster
_REDRAWN = 0.1  # seconds


@contextlib.contextmanager
def progress_bar(enabled: Optional[bool] = None) -> Iterator[Progress]:
    """Yield a ``progress(done, total, what)`` that draws a line on standard error.

    ``enabled=None`` draws only on a terminal. The line is redrawn at most ten times a second, and always at
    the end of a step.
    """
    draws = sys.stderr.isatty() if enabled is None else enabled
    recent: dict[str, deque[tuple[float, int]]] = {}  # times and items done by then
    drawn = 0.0
    unfinished = False

    def draw(done: int, total: int, what: str) -> None:
        nonlocal drawn, unfinished
        now = time.monotonic()
        points = recent.setdefault(what, deque([(now, 0)]))
        if not draws or (done < total and now - drawn < _REDRAWN):
            return
        drawn = now
        points.append((now, done))
        while points[1][0] < now - _RECENT:
            points.popleft()
        begun, before = points[0]
        filled = 24 * done // max(total, 1)
        remaining = timedelta(seconds=round((now - begun) / max(done - before, 1) * (total - done)))
        line = f"\r{what:<28.28} [{'#' * filled:<24}] {done:,}/{total:,}  {remaining} left "
        unfinished = done < total
        if not unfinished:
            del recent[what]  # the next step of that name is timed separately
        sys.stderr.write(line if unfinished else f"{line}\n")
        sys.stderr.flush()

    try:
        yield draw
    finally:
        if unfinished:
            sys.stderr.write("\n")
