"""Where files are kept that can be made, computed or downloaded again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return ``$FFL_CACHE``, or ``ffl-plugin`` in the user's cache folder; it may be deleted at any time."""
    chosen = os.environ.get("FFL_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ffl-plugin"
