"""Bytes in, bytes out: insertions and deletions by offset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Insertion(NamedTuple):
    """Bytes to put at an offset of the old file."""

    offset: int
    text: bytes


class Span(NamedTuple):
    """A half-open range of offsets."""

    start: int
    end: int


def insert(data: bytes, insertions: Sequence[Insertion]) -> tuple[bytes, list[Span]]:
    """Return the new bytes, and where in them the inserted text lies; equal offsets keep their order."""
    pieces: list[bytes] = []
    spans: list[Span] = []
    position = length = 0
    for insertion in sorted(insertions, key=lambda item: item.offset):
        pieces += [data[position : insertion.offset], insertion.text]
        length += insertion.offset - position + len(insertion.text)
        spans.append(Span(length - len(insertion.text), length))
        position = insertion.offset
    return b"".join([*pieces, data[position:]]), spans


def delete(data: bytes, spans: Sequence[Span]) -> bytes:
    """Return the bytes without the given ranges, which may touch but not overlap."""
    pieces: list[bytes] = []
    position = 0
    for span in sorted(spans):
        pieces.append(data[position : span.start])
        position = span.end
    return b"".join([*pieces, data[position:]])
