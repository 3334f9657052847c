"""Output folders: new, empty, or written by an earlier run; other folders are refused."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ffl_plugin.as_text import json_text
from ffl_plugin.errors import FFLError
from ffl_plugin.files import PART, atomic_write
from ffl_plugin.report.model import Comparison
from ffl_plugin.report.table import to_csv


@dataclass(frozen=True)
class OutputFolder:
    """The files that one command writes to a folder, and how to recognize them.

    Attributes:
        command: name of the command, for messages.
        record: JSON file that marks a folder as written by the command.
        key: key that its JSON object contains.
        others: pattern of the names of the other files.
    """

    command: str
    record: str
    key: str
    others: str

    def check(self, out: Path, sources: Iterable[Path] = ()) -> None:
        """Refuse an unsuitable folder before anything is measured.

        Args:
            out: the output folder; it need not exist.
            sources: input folders and zips, which must not contain the output.

        Raises:
            FFLError: ``out`` is a file, is inside a source, contains other files, or is read-only.
        """
        if out.exists() and not out.is_dir():
            raise FFLError(f"{out} is a file; pass a folder to --out")
        if out.is_symlink() and not out.exists():
            raise FFLError(f"{out} is a broken link; remove it, or pass another folder to --out")
        place = Path(os.path.realpath(out))  # Path.resolve raises on a loop of links
        for source in sources:
            if source.is_dir() and Path(os.path.realpath(source)) in (place, *place.parents):
                raise FFLError(
                    f"{out} is inside {source}, which is an input; pass a folder elsewhere to --out"
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
                f"{out} contains files that ffl-patch {self.command} did not write ({shown}); pass a new or "
                "empty folder to --out, or one written by an earlier run"
            )
        _try_writing(out)

    def write(self, out: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
        """Write files by name, each atomically and the record first, and return their paths.

        Raises:
            FFLError: the folder is unsuitable or cannot be written.
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
    """Write the page, the JSON object, the table as CSV and the overview picture; return their paths.

    Raises:
        FFLError: the folder is unsuitable or cannot be written.
    """
    from ffl_plugin.report.overview import overview_png
    from ffl_plugin.report.page import to_html

    return COMPARISON.write(
        out,
        {
            COMPARISON.record: json_text(comparison.to_json(), indent=1).encode(),
            "report.html": to_html(comparison).encode("utf-8"),
            "comparison.csv": to_csv(comparison).encode("utf-8", "backslashreplace"),
            "overview.png": overview_png(comparison),
        },
    )


def _try_writing(out: Path) -> None:
    """Raise now if the folder cannot be written, not after hours of measuring; leave no files."""
    there = next(folder for folder in (out, *out.absolute().parents) if folder.is_dir())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise _refused("written", out, error) from None


def _refused(what: str, out: Path, error: OSError) -> FFLError:
    return FFLError(f"{out} cannot be {what}: {error.strerror or error}; pass another folder to --out")
