"""The few things the engine does to a disk, each in one place, so that tests can make any of them fail."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def write_new(path: Path, data: bytes, like: Path) -> None:
    """Write a new file with the permissions of another one, and see it safely onto the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    shutil.copymode(like, path)


def keep(path: Path, backup: Path) -> None:
    """Give a file a second name, which takes no space; or copy it, where the file system has no links."""
    try:
        os.link(path, backup)
    except OSError:
        shutil.copy2(path, backup)


def replace(source: Path, target: Path) -> None:
    """Put a file in the place of another one, in one step."""
    source.replace(target)


def sync_folder(folder: Path) -> None:
    """See renames in a folder safely onto the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Delete a file that may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
