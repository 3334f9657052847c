"""Cached rows of numbers, keyed by the hash of their inputs, in files that last between runs.

An image's features and a pair's scores depend only on their bytes and the settings: a renamed, reordered or
extended set reuses its rows, and a changed image does not. Files are written atomically and never changed, so
several processes may share a folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from ffl_plugin.cache import mark_used
from ffl_plugin.metrics.storage import TemporaryFolder, atomic_open

_KEY = 16  # bytes of a SHA-256


def key_of(*digests: bytes) -> bytes:
    """Return the key of a result computed from inputs with these digests, in this order."""
    return hashlib.sha256(b"".join(digests)).digest()[:_KEY]


@dataclass(frozen=True)
class StoredRows:
    """Some rows of one file."""

    path: Path
    positions: npt.NDArray[np.intp]

    def load(self) -> npt.NDArray[Any]:
        """Load them: (n, width)."""
        with np.load(self.path, allow_pickle=False) as archive:
            rows: npt.NDArray[Any] = archive["rows"][self.positions]
        return rows


class RowCache:
    """The rows computed with one set of settings."""

    def __init__(self, folder: Optional[Path], settings: str) -> None:
        """Index the folder; without one, rows last as long as this object."""
        self.temporary = TemporaryFolder() if folder is None else None
        self._folder = self.temporary.path if self.temporary is not None else folder or Path()
        self._prefix = hashlib.sha256(settings.encode()).hexdigest()[:16]
        self._files: list[Path] = []
        self._added: dict[bytes, tuple[int, int]] = {}
        keys = [np.empty(0, f"S{_KEY}")]
        places = [np.empty((0, 2), np.int32)]
        for path in sorted(self._folder.glob(f"{self._prefix}-*.npz")):
            found = _read_keys(path)
            if found is not None:
                rows = np.arange(len(found), dtype=np.int32)
                places.append(np.stack([np.full_like(rows, len(self._files)), rows], axis=1))
                keys.append(found)
                self._files.append(path)
        everything = np.concatenate(keys)
        order = np.argsort(everything, kind="stable")
        self._keys = everything[order]  # sorted: an index of millions of rows in little memory
        self._places = np.concatenate(places)[order]

    def __contains__(self, key: bytes) -> bool:
        """Whether there is a row with this key."""
        return self._place(key) is not None

    def _place(self, key: bytes) -> Optional[tuple[int, int]]:
        if key in self._added:
            return self._added[key]
        wanted = np.array(key, f"S{_KEY}")
        index = int(np.searchsorted(self._keys, wanted))
        if index < len(self._keys) and self._keys[index] == wanted:
            file, position = self._places[index]
            return int(file), int(position)
        return None

    def add(self, keys: Sequence[bytes], rows: npt.NDArray[Any]) -> None:
        """Write rows (n, width) to a new file; raises ``FFLError`` if the disk is full."""
        path = self._folder / f"{self._prefix}-{hashlib.sha256(b''.join(keys)).hexdigest()[:32]}.npz"
        with atomic_open(path) as file:
            np.savez(file, keys=np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _KEY), rows=rows)
        self._added.update({key: (len(self._files), position) for position, key in enumerate(keys)})
        self._files.append(path)

    def locate(self, keys: Sequence[bytes]) -> Iterator[StoredRows]:
        """Locate rows, in order, grouping neighbours in one file. All must exist."""
        file = -1
        positions: list[int] = []
        for key in keys:
            place = self._place(key)
            if place is None:
                raise KeyError(key)
            if place[0] != file and positions:
                yield self._stored(file, positions)
                positions = []
            file = place[0]
            positions.append(place[1])
        if positions:
            yield self._stored(file, positions)

    def _stored(self, file: int, positions: list[int]) -> StoredRows:
        mark_used(self._files[file])
        return StoredRows(self._files[file], np.array(positions))


def _read_keys(path: Path) -> Optional[npt.NDArray[np.bytes_]]:
    """Return the keys of a file (n,), or None if it is incomplete."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return np.ascontiguousarray(archive["keys"]).view(f"S{_KEY}").ravel()
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
