"""Numbers, tables and JSON as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Optional


def shortest(number: float) -> str:
    """Return the shortest decimal that ``float`` parses back exactly: 0.1, 1, 31.6227766, 1000001.

    For values that must round-trip, such as a training's weight; ``:g`` truncates to six digits.
    """
    return repr(float(number)).removesuffix(".0")


def json_text(values: Any, *, indent: Optional[int] = None) -> str:
    """Return standard JSON, on one line unless ``indent`` is given.

    Raises:
        ValueError: NaN or infinity, which are not JSON and which other parsers refuse.
    """
    return json.dumps(values, indent=indent, allow_nan=False)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a terminal table: first and last columns left-aligned, the others right-aligned.

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
