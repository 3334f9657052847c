"""Where files are kept that can be made, computed or downloaded again; listing and removing them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ffl_plugin.errors import FFLError

# Kind -> what is ours in the folder; nothing else in it is ever touched.
KINDS = {
    "features": ("features/*.npz", "features/*.npy", "features/.*.np?.*"),
    "pairs": ("pairs/*.npz", "pairs/.*.npz.*"),
    "spectra": ("spectra/*.npz", "spectra/.*.npz.*"),
    "samples": ("samples/" + "[0-9a-f]" * 64,),
    "weights": ("pt_inception-*.pth*", "alexnet-*.pth*", "dinov2_*.pth*", "ViT-L-14-*.pt*"),
    "native": ("native-*.so", ".native-*"),
}


def cache_folder() -> Path:
    """Return ``$FFL_CACHE``, or ``ffl-plugin`` in the user's cache folder; it may be deleted at any time.

    Raises:
        FFLError: the user has no home folder, as in a container that runs under an unknown number.
    """
    chosen = os.environ.get("FFL_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(chosen).expanduser() if chosen else Path(base).expanduser() / "ffl-plugin"
    except RuntimeError:
        raise FFLError("this user has no home folder to keep files in: set FFL_CACHE to a folder") from None


@dataclass(frozen=True)
class Kept:
    """One thing in the cache: a file, or a folder of samples.

    Attributes:
        kind: a key of ``KINDS``.
        path: where it is.
        size: bytes.
        used: when it was last written or read for its purpose, in seconds since the epoch.
    """

    kind: str
    path: Path
    size: int
    used: float


def kept(folder: Path) -> list[Kept]:
    """List what is ours in a cache folder, which need not exist."""
    found = []
    for kind, patterns in KINDS.items():
        for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
            if path.is_symlink():
                continue
            files = [path, *path.iterdir()] if path.is_dir() else [path]
            sizes = [file.stat().st_size for file in files if file.is_file()]
            found.append(Kept(kind, path, sum(sizes), path.stat().st_mtime))
    return found


def unused(things: Iterable[Kept], days: float) -> list[Kept]:
    """Pick what was not used for so many days."""
    limit = time.time() - days * 86400
    return [thing for thing in things if thing.used < limit]


def remove(things: Iterable[Kept]) -> None:
    """Delete files and folders of samples; what has gone meanwhile is no error."""
    for thing in things:
        if thing.path.is_dir():
            shutil.rmtree(thing.path, ignore_errors=True)
        else:
            thing.path.unlink(missing_ok=True)


def mark_used(path: Path) -> None:
    """Remember that a kept file was used now; a folder that cannot be written is no error."""
    try:
        os.utime(path)
    except OSError:
        return
