"""Folders that we write: new, empty, or written by us before; never anyone else's."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ffl_plugin.errors import FFLError
from ffl_plugin.files import PART, atomic_write
from ffl_plugin.report.model import Comparison
from ffl_plugin.report.table import to_csv


@dataclass(frozen=True)
class OutputFolder:
    """What one command leaves in a folder, and how to know that it did.

    Attributes:
        command: its name, for messages.
        record: the JSON file that marks a folder as ours.
        key: what that JSON object holds.
        others: pattern of the names of the other files.
    """

    command: str
    record: str
    key: str
    others: str

    def check(self, out: Path, sources: Iterable[Path] = ()) -> None:
        """Refuse, before anything is measured, a folder that we must not write.

        Args:
            out: the folder to write; it need not exist.
            sources: folders and zips that are read; our pictures must not turn up among theirs.

        Raises:
            FFLError: ``out`` is a file, lies inside a source, holds files that are not ours, or is read-only.
        """
        if out.exists() and not out.is_dir():
            raise FFLError(f"{out} is a file; give --out the name of a folder")
        if out.is_symlink() and not out.exists():
            raise FFLError(f"{out} is a link that leads nowhere; remove it, or give --out another folder")
        place = Path(os.path.realpath(out))  # Path.resolve raises on a loop of links
        for source in sources:
            if source.is_dir() and Path(os.path.realpath(source)) in (place, *place.parents):
                raise FFLError(
                    f"{out} lies inside {source}, whose images are read; give --out a folder elsewhere"
                )
        if not out.exists():
            _try_writing(out)
            return
        try:
            names = sorted(entry.name for entry in out.iterdir())
        except OSError as error:
            raise _refused("read", out, error) from None
        foreign = [name for name in names if not self._could_write(name)]
        if foreign or (names and not self._wrote(out)):
            shown = ", ".join((foreign or names)[:3])
            raise FFLError(
                f"{out} holds files that no ffl-patch {self.command} wrote ({shown}); give --out a new "
                "folder, an empty one, or one that an earlier run wrote"
            )
        _try_writing(out)

    def write(self, out: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
        """Write files by name and return their paths; each is written whole or not at all, the record first.

        Raises:
            FFLError: the folder is not ours to write, or the disk refuses.
        """
        self.check(out)
        names = sorted(files, key=lambda name: name != self.record)
        try:
            out.mkdir(parents=True, exist_ok=True)
            for name in names:
                atomic_write(out / name, files[name])
        except OSError as error:
            raise _refused("written", out, error) from None
        return tuple(out / name for name in names)

    def _could_write(self, name: str) -> bool:
        return name == self.record or name.startswith(PART) or re.fullmatch(self.others, name) is not None

    def _wrote(self, out: Path) -> bool:
        try:
            return self.key in json.loads((out / self.record).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, RecursionError):
            return False


COMPARISON = OutputFolder(
    "compare", "comparison.json", "verdict", r"report\.html|comparison\.csv|overview\.png"
)
SPECTRA = OutputFolder("spectrum", "spectra.json", "spectra", r"spectra\.(csv|png)|bands-\d+\.png")

check_folder = COMPARISON.check


def write_report(comparison: Comparison, out: Path) -> tuple[Path, ...]:
    """Write the page, the JSON object, the table as CSV and one picture; return their paths.

    Raises:
        FFLError: the folder is not ours to write, or the disk refuses.
    """
    from ffl_plugin.report.overview import overview_png
    from ffl_plugin.report.page import to_html

    COMPARISON.check(out)
    return COMPARISON.write(
        out,
        {
            COMPARISON.record: json.dumps(comparison.to_json(), indent=1, allow_nan=False).encode(),
            "report.html": to_html(comparison).encode("utf-8"),
            "comparison.csv": to_csv(comparison).encode("utf-8", "backslashreplace"),
            "overview.png": overview_png(comparison),
        },
    )


def _try_writing(out: Path) -> None:
    """Refuse now what the system would refuse after hours of measuring; leaves nothing behind."""
    there = next(folder for folder in (out, *out.absolute().parents) if folder.is_dir())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise _refused("written", out, error) from None


def _refused(what: str, out: Path, error: OSError) -> FFLError:
    return FFLError(f"{out} cannot be {what}: {error.strerror or error}; give --out another folder")
