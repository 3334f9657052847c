"""Numbers as text."""

from __future__ import annotations


def shortest(number: float) -> str:
    """Return the shortest text that ``float`` reads back as the same number: 0.1, 1, 31.6227766, 1000001.

    For numbers that make a difference, as the weight of a training does; ``:g`` keeps six digits.
    """
    return repr(float(number)).removesuffix(".0")
