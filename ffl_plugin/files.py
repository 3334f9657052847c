"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

PART = ".ffl-"  # begins the name of a file half written


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to, which takes its place at the end of the block.

    The file has the permissions of any new file; after an error nothing is left of it. Raises ``OSError``.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=PART, suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Write bytes as ``whole`` does."""
    with whole(path) as temporary:
        temporary.write_bytes(data)
