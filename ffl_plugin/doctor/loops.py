"""Checks the native loops of the loss: whether they are or can be compiled, and if not, why."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Optional

from ffl_plugin.doctor import Finding


def examine_loops(*, needed: bool) -> Finding:
    """Find the cached library, or try to compile it in a temporary folder.

    Args:
        needed: whether the loss is computed on the CPU here; a GPU does not use them.
    """
    from ffl_plugin import native

    name = "C loops"
    try:
        path = native.library_path()
        if native.cached_loops(path):
            return Finding(name, str(path))
        with tempfile.TemporaryDirectory() as folder:
            native.load_loops(native.build_library(Path(folder)))
    except native.LoopsUnavailable as reason:
        chosen = os.environ.get("FFL_NATIVE") == "0"
        fix = None if chosen else "Install gcc, or set CC to a working C compiler"
        return Finding(name, f"unavailable: {reason}", _with_cost(fix, needed))
    if not _is_writable(path.parent):
        fix = f"Make {path.parent} writable, or set FFL_CACHE to a writable folder"
        return Finding(name, f"unavailable: cannot write {path.parent}", _with_cost(fix, needed))
    return Finding(name, "not compiled yet: the first training does so, in about a second")


def _with_cost(fix: Optional[str], needed: bool) -> Optional[str]:
    return f"{fix}; without it the loss takes half as long again on a CPU." if fix and needed else None


def _is_writable(folder: Path) -> bool:
    """Whether files can be created in a folder, or it can be created in its nearest existing parent."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
