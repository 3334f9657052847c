"""The few things the engine does to a disk, each a step that tests can make fail, and the journal of them.

The journal is also the lock that keeps two runs apart. It is a small file in the clone's folder that exists
only while files are being replaced: one JSON line that says what is about to happen, and a second line once
it has. A journal that nobody has locked was left by a run that died, and says what to put back.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from ffl_plugin.patching.errors import PatchError

JOURNAL = ".ffl-patch.journal"
_DONE = "done"


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


class Entry(NamedTuple):
    """One file of a transaction: its path below the clone's real folder, and SHA-256 before and after."""

    path: str
    old: str
    new: str


class Record(NamedTuple):
    """What a journal says: the files, and whether all of them have been replaced."""

    entries: tuple[Entry, ...]
    done: bool


class Journal:
    """A locked journal.

    Attributes:
        needed: whether it still says something that the next run has to know.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begun = 0  # length in bytes of the first line
        self._says_done = False
        self.needed = False

    def begin(self, entries: Sequence[Entry]) -> None:
        """Say which files are about to be replaced; returns when that is safely on the disk."""
        self.needed = True
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._begun = self._write(json.dumps(list(entries)))

    def done(self) -> None:
        """Say that all of them have been."""
        self._says_done = True
        self._write(_DONE)

    def undone(self) -> None:
        """Take `done` back, before the old files are put back."""
        if self._says_done:
            os.ftruncate(self._descriptor, self._begun)

    def _write(self, line: str) -> int:
        data = f"{line}\n".encode()
        if os.write(self._descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._descriptor)
        return len(data)


def has_journal(folder: Path) -> bool:
    """Say whether a run is at work on a clone, or has died there."""
    return (folder / JOURNAL).exists()


def read_journal(folder: Path) -> Optional[Record]:
    """Return what a journal says; None where it does not exist or had not begun."""
    try:
        lines = (folder / JOURNAL).read_bytes().decode().split("\n")
    except FileNotFoundError:
        return None
    if len(lines) < 2:  # Not even the first line is complete: no file had been touched yet.
        return None
    return Record(tuple(Entry(*entry) for entry in json.loads(lines[0])), lines[1] == _DONE)


@contextlib.contextmanager
def locked_journal(folder: Path) -> Iterator[Journal]:
    """Hold the journal of a clone, and delete it in the end unless it is still needed.

    Raises:
        PatchError: another run holds it, or it cannot be created.
    """
    path = folder / JOURNAL
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise PatchError(f"{folder} cannot be written to ({error.strerror})") from None
    try:
        if not _lock(descriptor) or not _is_still(descriptor, path):
            raise PatchError(
                f"another ffl-patch is at work on {folder}", next_step="wait for it, then try again"
            )
        log = Journal(descriptor)
        try:
            yield log
        finally:
            if not log.needed:
                with contextlib.suppress(OSError):  # What it says is harmless, and the next run removes it.
                    remove(path)
    finally:
        os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the name still stands for the file that was opened, not for one created after its deletion."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
