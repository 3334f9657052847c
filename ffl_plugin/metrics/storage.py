"""Storage of downloads and computed features, with atomic writes."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_path


class TemporaryFolder:
    """A new folder, removed with its contents when this object is garbage collected."""

    def __init__(self) -> None:
        """Create the folder at ``path``."""
        self.path = Path(tempfile.mkdtemp(prefix="ffl-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@contextlib.contextmanager
def atomic_open(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces ``path`` if the block ends without an exception.

    Raises ``FFLError`` if the disk is full or the folder is not writable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            yield file
    except OSError as error:
        raise FFLError(_full(path, error)) from None


def on_disk(blocks: Iterable[npt.NDArray[np.float32]], folder: Path) -> npt.NDArray[np.float32]:
    """Concatenate blocks of rows in an unnamed file in ``folder``, freed with the array.

    Raises ``FFLError`` if the disk is full or the folder is not writable.
    """
    count = width = 0
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for block in blocks:
                file.write(block.tobytes())
                count, width = count + len(block), block.shape[1]
            file.flush()
            if count * width == 0:
                return np.zeros((count, width), np.float32)
            # Copy on write: torch does not accept read-only arrays.
            return np.memmap(file, dtype=np.float32, mode="c", shape=(count, width))
    except OSError as error:
        raise FFLError(_full(folder, error)) from None


def _full(path: Path, error: OSError) -> str:
    return (
        f"cannot write {path} ({error.strerror or error}); free space there, or set FFL_CACHE to another "
        "folder"
    )
