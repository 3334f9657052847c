"""Numbers and tables as text."""

from __future__ import annotations

from collections.abc import Sequence


def shortest(number: float) -> str:
    """Return the shortest text that ``float`` reads back as the same number: 0.1, 1, 31.6227766, 1000001.

    For numbers that make a difference, as the weight of a training does; ``:g`` keeps six digits.
    """
    return repr(float(number)).removesuffix(".0")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table for a terminal: the first column to the left, those before the last to the right.

    >>> aligned([["metric", "before", "verdict"], ["FID", "5", "worse"]])
    ['metric  before  verdict', 'FID          5  worse']
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for first, *middle, last in rows:
        cells = (cell.rjust(width) for cell, width in zip(middle, widths[1:]))
        lines.append("  ".join([first.ljust(widths[0]), *cells, last]))
    return lines


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))
