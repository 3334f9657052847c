"""Rows that an interrupted run has made already, for as long as no line of the code has changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Callable, Optional

from forks.entries import Entry
from forks.table import Row
from forks.trip import Trip
from forks.worker import Check

ROOT = Path(__file__).resolve().parents[2]
CODE = ("ffl_plugin", "patches", "integrations", "benchmarks/forks")


class Kept:
    """Rows in a folder, one file each, named by what they depend on.

    Args:
        folder: where they are; None keeps nothing.
    """

    def __init__(self, folder: Optional[Path]) -> None:
        self.folder = folder
        self._code = hashlib.sha256()
        for part in CODE:
            for path in sorted((ROOT / part).rglob("*.py")):
                self._code.update(path.read_bytes())

    def row(self, entry: Entry, make: Callable[[], Row]) -> Row:
        """The row of an entry: the kept one, or a new one, which is kept unless its clone is missing."""
        if self.folder is None:
            return make()
        digest = self._code.copy()
        digest.update(json.dumps(asdict(entry), sort_keys=True).encode())
        path = self.folder / f"{digest.hexdigest()}.json"
        if path.exists():
            values = json.loads(path.read_text(encoding="utf-8"))
            checks = {name: values[name] and Check(**values[name]) for name in ("launch", "step")}
            return Row(entry, Trip(**values["trip"]), **checks)
        row = make()
        if row.trip is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            values = asdict(row)
            path.write_text(json.dumps({name: values[name] for name in ("trip", "launch", "step")}), "utf-8")
        return row
