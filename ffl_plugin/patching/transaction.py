"""Atomic replacement of several files: all of them, or none.

New bytes are written beside each file, and each old file is backed up. Then the new files are renamed into
place. Any failure before the journal is marked as done is rolled back: at once, or, if the process was
killed, by the next run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ffl_plugin.patching import disk
from ffl_plugin.patching.disk import Entry, Journal, Record
from ffl_plugin.patching.errors import PatchError


@dataclass(frozen=True)
class Change:
    """New bytes for a file.

    Args:
        name: its path inside the clone, for messages.
        path: its real path, with links resolved.
        old: its current bytes.
        new: its new bytes.
    """

    name: str
    path: Path
    old: bytes
    new: bytes


def check_writable(change: Change) -> None:
    """Refuse a read-only file, which a rename would replace anyway.

    Raises:
        PatchError: naming the file.
    """
    mode = change.path.stat().st_mode
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(change.path, os.W_OK):
        raise PatchError("is read-only", file=change.name, next_step="make it writable first")


def commit(root: Path, changes: Sequence[Change]) -> None:
    """Replace all files or none, after recovering from a run that died.

    Raises:
        PatchError: a file is read-only or has changed, another run is active, or the disk failed; the message
            says if the old files could not be restored.
    """
    for change in changes:
        check_writable(change)
    folder = root.resolve()
    entries = [
        Entry(change.path.relative_to(folder).as_posix(), _sha256(change.old), _sha256(change.new))
        for change in changes
    ]
    with disk.locked_journal(folder) as log:
        _recover(folder, log)
        for change in changes:
            if change.path.read_bytes() != change.old:
                raise PatchError(
                    "has changed while ffl-patch was reading it", file=change.name, next_step="try again"
                )
        if not changes:
            return
        try:
            log.begin(entries)
            for change in changes:
                disk.write_new(_new(change.path), change.new, change.path)
            for change in changes:
                disk.back_up(change.path, _old(change.path))
            for change in changes:
                disk.replace(_new(change.path), change.path)
                disk.sync_folder(change.path.parent)
            log.done()
        except BaseException as error:
            _give_up(folder, entries, log, error)
            raise
        with contextlib.suppress(OSError):  # all files are new; the next run cleans up what remains
            _clean_up(folder, entries)
            log.needed = False


def _give_up(folder: Path, entries: Sequence[Entry], log: Journal, error: BaseException) -> None:
    """Restore the old files, and convert a disk error to a sentence."""
    try:
        log.undone()
        _roll_back(folder, entries)
        log.needed = False
    except OSError as second:
        raise PatchError(
            f"the disk failed ({error}), and again when restoring the old files ({second})",
            next_step="fix the disk, then run the same command again: it recovers first",
        ) from error
    if isinstance(error, OSError):
        raise PatchError(f"the disk failed ({error})", next_step="no file was changed") from error


def interrupted(root: Path) -> Optional[str]:
    """Describe the state that a run that died has left in a clone; None if there is none."""
    folder = root.resolve()
    if not disk.has_journal(folder):
        return None
    record = _read(folder)
    if record is None or record.done:
        return (
            "an earlier ffl-patch was interrupted, with all files complete; apply and revert clean up first"
        )
    new = [entry.path for entry in record.entries if _sha256_of(folder / entry.path) == entry.new]
    return (
        f"an earlier ffl-patch was interrupted, with {len(new)} of {len(record.entries)} files written; "
        "apply and revert restore the old ones first"
    )


def bytes_before(root: Path) -> dict[Path, bytes]:
    """Return the original bytes of files written by a run that died, by real path.

    Raises:
        PatchError: a file has been edited since.
    """
    folder = root.resolve()
    record = _read(folder) if disk.has_journal(folder) else None
    if record is None or record.done:
        return {}
    _require_unedited(folder, record.entries)
    paths = [folder / entry.path for entry in record.entries if _sha256_of(folder / entry.path) != entry.old]
    return {path: _old(path).read_bytes() for path in paths if _old(path).exists()}


def recover(root: Path) -> Optional[str]:
    """Complete or roll back a run that died; return a sentence about it, or None if there was nothing.

    Raises:
        PatchError: another run is active, or a file has been edited since.
    """
    folder = root.resolve()
    if not disk.has_journal(folder):
        return None
    with disk.locked_journal(folder) as log:
        return _recover(folder, log)


def _recover(folder: Path, log: Journal) -> str:
    log.needed = True
    record = _read(folder)
    outcome = "an earlier ffl-patch was interrupted before it wrote anything"
    if record is not None and record.done:
        _clean_up(folder, record.entries)
        outcome = "an earlier ffl-patch was interrupted after it had written everything"
    elif record is not None:
        _require_unedited(folder, record.entries)
        _roll_back(folder, record.entries)
        outcome = "an earlier ffl-patch was interrupted; its files have been restored"
    log.needed = False
    return outcome


def _require_unedited(folder: Path, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if _sha256_of(folder / entry.path) not in (entry.old, entry.new):
            raise PatchError(
                "has changed since an earlier ffl-patch was interrupted",
                file=entry.path,
                next_step=f"its text from before that run is in {_old(Path(entry.path)).as_posix()}: "
                f"restore it, or delete {disk.JOURNAL} to keep the file as it is",
            )


def _roll_back(folder: Path, entries: Sequence[Entry]) -> None:
    for entry in entries:
        path = folder / entry.path
        if _sha256_of(path) != entry.old and _old(path).exists():
            try:
                disk.replace(_old(path), path)
            except OSError:  # renaming failed: write the bytes instead
                path.write_bytes(_old(path).read_bytes())
    _clean_up(folder, entries)


def _clean_up(folder: Path, entries: Sequence[Entry]) -> None:
    for entry in entries:
        disk.remove(_new(folder / entry.path))
        disk.remove(_old(folder / entry.path))


def _read(folder: Path) -> Optional[Record]:
    try:
        return disk.read_journal(folder)
    except (ValueError, TypeError):
        raise PatchError(
            f"{disk.JOURNAL} cannot be read",
            next_step=f"compare the files with git, then delete {disk.JOURNAL}",
        ) from None


def _new(path: Path) -> Path:
    return path.with_name(f".{path.name}.ffl-new")


def _old(path: Path) -> Path:
    return path.with_name(f".{path.name}.ffl-old")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha256_of(path: Path) -> Optional[str]:
    return _sha256(path.read_bytes()) if path.is_file() else None
