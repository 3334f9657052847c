"""The loss's loops in C, which are built at the first call: whether they are, or can be, and if not, why."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Optional

from ffl_plugin.doctor.finding import Finding


def examine_loops(*, needed: bool) -> Finding:
    """Look for the library, or build it in a temporary folder to see whether that works.

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
        mend = None if chosen else "Install gcc, or name a C compiler that works in CC"
        return Finding(name, f"not to be had: {reason}", _price(mend, needed))
    if not _can_be_written(path.parent):
        mend = f"Make {path.parent} writable, or set FFL_CACHE to a folder that is"
        return Finding(name, f"not to be had: cannot write {path.parent}", _price(mend, needed))
    return Finding(name, "not built yet: the first training does it, in a second")


def _price(mend: Optional[str], needed: bool) -> Optional[str]:
    return f"{mend}; without it the loss takes half as long again on a CPU." if mend and needed else None


def _can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, or it can be made in the nearest that exists."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
