"""The settings of an output folder, so that results of different settings do not mix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ffl_plugin.as_text import json_text
from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_write


def keep_settings(out: Path, settings: dict[str, Any]) -> None:
    """Write the settings, or refuse a folder with results of other settings."""
    path = out / "settings.json"
    if path.exists():
        try:
            before = json.loads(path.read_text())
        except ValueError:
            raise FFLError(f"{path} is damaged; choose another --out, or delete {out}.") from None
        changed = [key for key in {**before, **settings} if before.get(key) != settings.get(key)]
        if changed:
            was = ", ".join(f"{key} {before.get(key)!r}, not {settings.get(key)!r}" for key in changed)
            raise FFLError(
                f"{out} contains results of other settings ({was}); choose another --out, or delete it."
            )
        return
    out.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json_text(settings, indent=2).encode())
