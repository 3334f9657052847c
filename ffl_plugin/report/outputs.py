"""The folder a comparison writes: new, empty, or one that an earlier comparison wrote; never another."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ffl_plugin.errors import FFLError
from ffl_plugin.report.model import Comparison
from ffl_plugin.report.table import to_csv

RECORD = "comparison.json"
FILES = ("report.html", RECORD, "comparison.csv", "overview.png")
PART = ".ffl-"  # begins the name of a file half written


def check_folder(out: Path, sources: Iterable[Path] = ()) -> None:
    """Refuse, before anything is measured, a folder that we must not write.

    Args:
        out: the folder to write; it need not exist.
        sources: folders and zips that are compared; our pictures must not turn up among theirs.

    Raises:
        FFLError: ``out`` is a file, lies inside a source, or holds files that are not ours.
    """
    if out.exists() and not out.is_dir():
        raise FFLError(f"{out} is a file; give --out the name of a folder")
    resolved = out.resolve()
    for source in sources:
        if source.is_dir() and (resolved == source.resolve() or source.resolve() in resolved.parents):
            raise FFLError(
                f"{out} lies inside {source}, whose images are compared; give --out a folder elsewhere"
            )
    if not out.exists():
        return
    try:
        names = sorted(entry.name for entry in out.iterdir())
    except OSError as error:
        raise FFLError(
            f"{out} cannot be read: {error.strerror or error}; give --out another folder"
        ) from None
    others = [name for name in names if name not in FILES and not name.startswith(PART)]
    if others or (names and not _is_ours(out)):
        shown = ", ".join((others or names)[:3])
        raise FFLError(
            f"{out} holds files that no comparison wrote ({shown}); give --out a new folder, an empty one, "
            "or one that an earlier comparison wrote"
        )


def _is_ours(out: Path) -> bool:
    try:
        return "verdict" in json.loads((out / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def write_report(comparison: Comparison, out: Path) -> tuple[Path, ...]:
    """Write the page, the JSON object, the table as CSV and one picture; return their paths.

    Each file is written whole or not at all. The record goes first: it marks the folder as ours.

    Raises:
        FFLError: the folder is not ours to write, or the disk refuses.
    """
    from ffl_plugin.report.overview import overview_png
    from ffl_plugin.report.page import to_html

    check_folder(out)
    files = {
        RECORD: json.dumps(comparison.to_json(), indent=1, allow_nan=False).encode(),
        "report.html": to_html(comparison).encode("utf-8"),
        "comparison.csv": to_csv(comparison).encode("utf-8"),
        "overview.png": overview_png(comparison),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            _replace(out / name, data)
    except OSError as error:
        raise FFLError(
            f"{out} cannot be written: {error.strerror or error}; give --out another folder"
        ) from None
    return tuple(out / name for name in files)


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=PART, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
