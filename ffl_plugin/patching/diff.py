"""Unified diffs of bytes, in the form ``git apply`` and ``patch -p1`` read."""

from __future__ import annotations

import difflib


def unified_diff(name: str, old: bytes, new: bytes) -> bytes:
    """Return the difference between two versions of a file, empty when there is none."""
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces = difflib.diff_bytes(
        difflib.unified_diff, old_lines, new_lines, f"a/{name}".encode(), f"b/{name}".encode()
    )
    return b"".join(
        piece if piece.endswith(b"\n") else piece + b"\n\\ No newline at end of file\n" for piece in pieces
    )
