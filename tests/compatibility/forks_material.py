"""Entries of the list, and a folder of files, for the tests of the compatibility benchmark."""

from __future__ import annotations

from pathlib import Path

from forks.entries import Entry

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789" * 4
ENTRY = Entry("owner/name", COMMIT, "pix2pix", "applies", "as upstream")
REFUSED = Entry("owner/name", COMMIT, "spade", "refused", "a port", says="jittor")


def tree(root: Path) -> None:
    """Write a file and a link to it."""
    (root / "a.py").write_bytes(b"a = 1\n")
    (root / "a.py").chmod(0o644)
    (root / "link").symlink_to("a.py")
