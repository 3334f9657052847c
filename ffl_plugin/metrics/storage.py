"""Where downloads and computed features are kept, and how files get there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError


class TemporaryFolder:
    """A new folder, removed with all its contents when this object goes."""

    def __init__(self) -> None:
        """Make the folder; ``path`` is where."""
        self.path = Path(tempfile.mkdtemp(prefix="ffl-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of ``path`` when the block ends without an exception.

    Raises ``FFLError`` when the disk is full or the folder cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            yield file
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise FFLError(_full(path, error)) from None
    finally:
        if temporary is not None:
            temporary.unlink()


def on_disk(blocks: Iterable[npt.NDArray[np.float32]], folder: Path) -> npt.NDArray[np.float32]:
    """Join blocks of rows in a nameless file in ``folder``, whose space is free again when the array goes.

    Raises ``FFLError`` when the disk is full or the folder cannot be written.
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
            # Copy on write: torch takes no read-only array.
            return np.memmap(file, dtype=np.float32, mode="c", shape=(count, width))
    except OSError as error:
        raise FFLError(_full(folder, error)) from None


def _full(path: Path, error: OSError) -> str:
    return (
        f"{path} cannot be written ({error.strerror or error}); make room there, "
        "or set FFL_CACHE to another folder"
    )
