"""Several files replaced as one: all of them, or none.

New bytes are written beside each file, and each old file gets a second name. Then the new ones take the
places of the old ones by renaming. Whatever fails before the journal says "done" is rolled back: at once, or,
when the process was killed, by the next run.
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
        path: its real path, links followed.
        old: the bytes it has.
        new: the bytes it shall have.
    """

    name: str
    path: Path
    old: bytes
    new: bytes


def check_writable(change: Change) -> None:
    """Refuse a read-only file, which a rename would replace all the same.

    Raises:
        PatchError: naming the file.
    """
    mode = change.path.stat().st_mode
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(change.path, os.W_OK):
        raise PatchError("is read-only", file=change.name, next_step="make it writable first")


def commit(root: Path, changes: Sequence[Change]) -> None:
    """Replace all files, or leave all of them as they are; what a run that died has left is put back first.

    Raises:
        PatchError: a file is read-only or has changed meanwhile, another run is at work, or the disk refused;
            the message says so where the old files could not be put back at once.
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
                disk.keep(change.path, _old(change.path))
            for change in changes:
                disk.replace(_new(change.path), change.path)
                disk.sync_folder(change.path.parent)
            log.done()
        except BaseException as error:
            _give_up(folder, entries, log, error)
            raise
        with contextlib.suppress(
            OSError
        ):  # All files are new; what cannot be cleared up now, the next run clears up.
            _clean_up(folder, entries)
            log.needed = False


def _give_up(folder: Path, entries: Sequence[Entry], log: Journal, error: BaseException) -> None:
    """Put the old files back, and turn an error of the disk into a sentence."""
    try:
        log.undone()
        _roll_back(folder, entries)
        log.needed = False
    except OSError as second:
        raise PatchError(
            f"the disk refused ({error}), and again when the old files were to be put back ({second})",
            next_step="once it works again, run the same command: it clears up first, and says what there is",
        ) from error
    if isinstance(error, OSError):
        raise PatchError(f"the disk refused ({error})", next_step="all files are as they were") from error


def interrupted(root: Path) -> Optional[str]:
    """Say in a sentence what a run that died has left in a clone; None if nothing."""
    folder = root.resolve()
    if not disk.has_journal(folder):
        return None
    record = _read(folder)
    if record is None or record.done:
        return "an earlier ffl-patch was interrupted, with all files whole; apply and revert clear up first"
    new = [entry.path for entry in record.entries if _sha256_of(folder / entry.path) == entry.new]
    return (
        f"an earlier ffl-patch was interrupted, with {len(new)} of {len(record.entries)} files written; "
        "apply and revert put the old ones back first"
    )


def bytes_before(root: Path) -> dict[Path, bytes]:
    """Return what the files that a run that died has written had in them before, by real path.

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
    """Finish or undo what a run that died has left; return a sentence about it, None if there was nothing.

    Raises:
        PatchError: another run is at work, or a file has been edited since.
    """
    folder = root.resolve()
    if not disk.has_journal(folder):
        return None
    with disk.locked_journal(folder) as log:
        return _recover(folder, log)


def _recover(folder: Path, log: Journal) -> str:
    log.needed = True
    record = _read(folder)
    said = "an earlier ffl-patch was interrupted before it wrote anything"
    if record is not None and record.done:
        _clean_up(folder, record.entries)
        said = "an earlier ffl-patch was interrupted after it had written everything"
    elif record is not None:
        _require_unedited(folder, record.entries)
        _roll_back(folder, record.entries)
        said = "an earlier ffl-patch was interrupted; its files are back to what they were before"
    log.needed = False
    return said


def _require_unedited(folder: Path, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if _sha256_of(folder / entry.path) not in (entry.old, entry.new):
            raise PatchError(
                "has changed since an earlier ffl-patch was interrupted",
                file=entry.path,
                next_step=f"its text from before that run is in {_old(Path(entry.path)).as_posix()}: "
                f"restore it, or delete {disk.JOURNAL} to keep things as they are",
            )


def _roll_back(folder: Path, entries: Sequence[Entry]) -> None:
    for entry in entries:
        path = folder / entry.path
        if _sha256_of(path) != entry.old and _old(path).exists():
            try:
                disk.replace(_old(path), path)
            except OSError:  # The rename is refused: the same bytes by another way.
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
