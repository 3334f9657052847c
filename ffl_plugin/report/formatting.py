"""Formatting of numbers and names in the table and on the page."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, Optional

from ffl_plugin.errors import readable as readable
from ffl_plugin.metrics.uncertainty import Difference

MINUS = "−"
TOO_FEW = "too few images"
HUGE = 1e12  # from here on, scientific notation is used


def number(value: Optional[float], *, signed: bool = False, like: Optional[float] = None) -> str:
    """Format with four significant digits, or with the decimals of ``like``; "–" for None.

    >>> number(12.3456), number(-0.00123, signed=True), number(math.inf)
    ('12.35', '−0.001230', '∞')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        text = "∞"
    elif abs(value) >= HUGE:
        text = f"{abs(value):.3g}"
    else:
        text = f"{abs(value):.{_decimals(abs(value) if like is None else abs(like))}f}"
    negative = value < 0 and text.strip("0.") != ""
    return (MINUS if negative else "+" if signed and text.strip("0.") else "") + text


def _decimals(size: float) -> int:
    if size == 0 or math.isinf(size):
        return 3
    return min(8, max(0, 3 - math.floor(math.log10(size))))


def decibels(value: Optional[float]) -> str:
    """Format decibels with one decimal; "–" for None."""
    if value is None:
        return "–"
    return f"{value:.1f} dB".replace("-", MINUS)


def change(row: Difference) -> str:
    """Format the difference of a row, with the decimals of its values."""
    return number(row.delta, signed=True, like=_scale(row))


def interval(row: Difference) -> str:
    """Format the interval of a row: ``−1.2 to +0.3``; "–" if there is none."""
    if row.low is None or row.high is None:
        return "–"
    low, high = (number(value, signed=True, like=_scale(row)) for value in (row.low, row.high))
    return f"{low} to {high}"


def values(row: Difference) -> tuple[str, str]:
    """Format the values before and after, with the same number of decimals."""
    return number(row.before, like=_scale(row)), number(row.after, like=_scale(row))


def outcome(row: Difference) -> str:
    """Return the verdict of a row, or why it has none."""
    return row.verdict if row.decides else row.withheld or TOO_FEW


def name(row: Difference) -> str:
    """Format the metric with its unit: ``PSNR, dB``."""
    return f"{row.name}, {row.unit}" if row.unit else row.name


def label(row: Difference) -> str:
    """Format the metric with its unit and, in brackets, the basis of the number."""
    basis = str(row.basis)
    return f"{name(row)} ({basis})" if basis else name(row)


def several(numbers: Sequence[float], row: Difference) -> str:
    """Format the value of each training, separated by commas."""
    return ", ".join(number(value, like=_scale(row)) for value in numbers)


def deviation(value: Optional[float], row: Difference) -> str:
    """Format a standard deviation or error, with the decimals of its row and at least two digits."""
    digits = _scale(row) if not value else min(_scale(row), abs(value) * 100)
    return number(value, like=digits)


def option(value: Any) -> str:
    """Format the value of a training option; a list contains one per training."""
    if isinstance(value, (list, tuple)):
        return ", ".join(option(item) for item in value)
    return "not set" if value is None else str(value)


def _scale(row: Difference) -> float:
    """Return the scale for all numbers of a row: small differences of large values keep two digits."""
    finite = [abs(value) for value in (row.before, row.after) if math.isfinite(value) and value]
    size = min(finite, default=1.0)
    wide = 0.0 if row.low is None or row.high is None else (row.high - row.low) / 2
    matters = max(abs(row.delta), wide)  # a change far smaller than its interval needs no extra digits
    if math.isfinite(matters) and matters:
        size = min(size, max(matters * 100, size / 1000))
    return size


def duration(seconds: Optional[float]) -> str:
    """Format hours and minutes, minutes and seconds, or seconds; "–" for None."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def count(number: int, thing: str) -> str:
    """Format a count: ``1 image``, ``1,024 images``."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def wrapped(text: str, width: int) -> str:
    """Return readable text, wrapped to lines of at most ``width`` characters."""
    return "\n".join(textwrap.wrap(readable(text), width))
