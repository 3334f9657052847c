"""How hypothesis draws the cases of a test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def random_cases(count: int) -> settings:
    """Draw so many cases, the same on every run and however slow the machine is.

    FFL_RANDOM_CASES asks for another number; 1,000 and more are drawn anew every time.
    """
    count = int(os.environ.get("FFL_RANDOM_CASES", count))
    return settings(
        max_examples=count,
        derandomize=count < 1000,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
