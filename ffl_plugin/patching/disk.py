"""The engine's disk operations, each a step that tests can make fail, and the journal of a transaction.

The journal is also the lock between concurrent runs: a small file in the clone's folder that exists only
while files are being replaced. Its first line, JSON, lists the pending replacements; a second line marks them
as done. An unlocked journal was left by a run that died, and lists what to restore.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from ffl_plugin.files import try_lock
from ffl_plugin.patching.errors import PatchError

JOURNAL = ".ffl-patch.journal"
_DONE = "done"


def write_new(path: Path, data: bytes, like: Path) -> None:
    """Write a new file with the permissions of another, and flush it to disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    shutil.copymode(like, path)


def back_up(path: Path, backup: Path) -> None:
    """Hard-link a file under a second name, or copy it if the file system has no links."""
    try:
        os.link(path, backup)
    except OSError:
        shutil.copy2(path, backup)


def replace(source: Path, target: Path) -> None:
    """Replace a file by another atomically."""
    source.replace(target)


def sync_folder(folder: Path) -> None:
    """Flush renames in a folder to disk, if the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Delete a file; no error if it is gone."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


class Entry(NamedTuple):
    """One file of a transaction: path relative to the clone, and SHA-256 before and after."""

    path: str
    old: str
    new: str


class Record(NamedTuple):
    """Content of a journal: the files, and whether all of them have been replaced."""

    entries: tuple[Entry, ...]
    done: bool


class Journal:
    """A locked journal.

    Attributes:
        needed: whether the next run must read it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begun = 0  # length in bytes of the first line
        self._marked_done = False
        self.needed = False

    def begin(self, entries: Sequence[Entry]) -> None:
        """Record the files about to be replaced; returns once that is flushed to disk."""
        self.needed = True
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._begun = self._write(json.dumps(list(entries)))

    def done(self) -> None:
        """Record that all files have been replaced."""
        self._marked_done = True
        self._write(_DONE)

    def undone(self) -> None:
        """Withdraw `done`, before the old files are restored."""
        if self._marked_done:
            os.ftruncate(self._descriptor, self._begun)

    def _write(self, line: str) -> int:
        data = f"{line}\n".encode()
        if os.write(self._descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._descriptor)
        return len(data)


def has_journal(folder: Path) -> bool:
    """Whether a run is active on a clone, or has died there."""
    return (folder / JOURNAL).exists()


def read_journal(folder: Path) -> Optional[Record]:
    """Return the content of a journal; None if it does not exist or `begin` did not complete."""
    try:
        lines = (folder / JOURNAL).read_bytes().decode().split("\n")
    except FileNotFoundError:
        return None
    if len(lines) < 2:  # incomplete first line: no file has been touched
        return None
    return Record(tuple(Entry(*entry) for entry in json.loads(lines[0])), lines[1] == _DONE)


@contextlib.contextmanager
def locked_journal(folder: Path) -> Iterator[Journal]:
    """Lock the journal of a clone, and delete it at the end unless it is still needed.

    Raises:
        PatchError: another run has locked it, or it cannot be created.
    """
    path = folder / JOURNAL
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise PatchError(f"cannot write to {folder} ({error.strerror})") from None
    try:
        if not try_lock(descriptor) or not _is_still(descriptor, path):
            raise PatchError(
                f"another ffl-patch is running on {folder}", next_step="wait for it, then try again"
            )
        log = Journal(descriptor)
        try:
            yield log
        finally:
            if not log.needed:
                with contextlib.suppress(OSError):  # harmless: the next run removes it
                    remove(path)
    finally:
        os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the path still refers to the open file, not to one created after its deletion."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
