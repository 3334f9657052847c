"""What an output folder was made with: results of different settings do not mix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_write


def keep_settings(out: Path, settings: dict[str, Any]) -> None:
    """Write the settings, or refuse a folder that holds results of others."""
    path = out / "settings.json"
    if path.exists():
        try:
            before = json.loads(path.read_text())
        except ValueError:
            raise FFLError(f"{path} is damaged; take another --out, or remove {out}.") from None
        changed = [key for key in {**before, **settings} if before.get(key) != settings.get(key)]
        if changed:
            was = ", ".join(f"{key} {before.get(key)!r}, not {settings.get(key)!r}" for key in changed)
            raise FFLError(
                f"{out} holds results of other settings ({was}); take another --out, or remove it."
            )
        return
    out.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(settings, indent=2).encode())
