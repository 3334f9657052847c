"""The cache folder: files that can be recomputed or downloaded again, listed and removed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ffl_plugin.errors import FFLError

# Kind -> glob patterns of its entries; no other file in the folder is ever touched.
KINDS = {
    "features": ("features/*.npz", "features/*.npy", "features/.*.np?.*"),
    "pairs": ("pairs/*.npz", "pairs/.*.npz.*"),
    "spectra": ("spectra/*.npz", "spectra/.*.npz.*"),
    "samples": ("samples/" + "[0-9a-f]" * 64,),
    "weights": ("pt_inception-*.pth*", "alexnet-*.pth*", "dinov2_*.pth*", "ViT-L-14-*.pt*"),
    "native": ("native-*.so", ".native-*"),
}


def cache_folder() -> Path:
    """Return ``$FFL_CACHE``, or ``ffl-plugin`` in the user's cache folder. It may be deleted at any time.

    Raises:
        FFLError: the user has no home folder, as in a container run under an unknown user id.
    """
    chosen = os.environ.get("FFL_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(chosen).expanduser() if chosen else Path(base).expanduser() / "ffl-plugin"
    except RuntimeError:
        raise FFLError("no home folder for the cache: set FFL_CACHE to a folder") from None


@dataclass(frozen=True)
class CacheEntry:
    """An entry of the cache: a file, or a folder of samples.

    Attributes:
        kind: a key of ``KINDS``.
        path: its path.
        size: in bytes.
        used: time of the last write or use, in seconds since the epoch.
    """

    kind: str
    path: Path
    size: int
    used: float


def list_entries(folder: Path) -> list[CacheEntry]:
    """List the entries of a cache folder, which need not exist."""
    found = []
    for kind, patterns in KINDS.items():
        for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
            if path.is_symlink():
                continue
            files = [path, *path.iterdir()] if path.is_dir() else [path]
            sizes = [file.stat().st_size for file in files if file.is_file()]
            found.append(CacheEntry(kind, path, sum(sizes), path.stat().st_mtime))
    return found


def unused(entries: Iterable[CacheEntry], days: float) -> list[CacheEntry]:
    """Select the entries not used for ``days`` days."""
    limit = time.time() - days * 86400
    return [entry for entry in entries if entry.used < limit]


def remove(entries: Iterable[CacheEntry]) -> None:
    """Delete entries; one that is already gone is not an error."""
    for entry in entries:
        if entry.path.is_dir():
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            entry.path.unlink(missing_ok=True)


def mark_used(path: Path) -> None:
    """Set the time of last use of a cached file to now; a read-only folder is not an error."""
    try:
        os.utime(path)
    except OSError:
        return
