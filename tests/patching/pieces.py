"""Pieces of Python source, as the tables of the tests write them: a line, or a block in triple quotes."""

from __future__ import annotations

import textwrap


def block(piece: str) -> str:
    """Return a block as it stands in a file: dedented, without the newline after the opening quotes."""
    return textwrap.dedent(piece).lstrip("\n")


def put(text: str, old: str, new: str) -> str:
    """Replace ``old``, which occurs once, by ``new``, indented as ``old`` is."""
    old, new = (block(piece).rstrip("\n") if piece.startswith("\n") else piece for piece in (old, new))
    place = _blanks(text.partition(old.partition("\n")[0])[0].rpartition("\n")[2])
    old = _in_line(old, place)
    assert text.count(old) == 1, old
    return text.replace(old, _in_line(new, place))


def _blanks(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]


def _in_line(piece: str, place: str) -> str:
    return textwrap.indent(piece, place.removeprefix(_blanks(piece))).removeprefix(place)
