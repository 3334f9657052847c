"""The files of a clone, each read and parsed once."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path

from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.scope import alternatives, definitions
from ffl_plugin.patching.source import Source

_SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "venv", "env"})
_LARGEST = 2_000_000  # bytes; no hand-written module is larger


class Clone:
    """A folder with Python files, read once.

    Args:
        root: the folder, as the user gave it.

    Attributes:
        title: how messages call it.

    Raises:
        PatchError: it is not a folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            what = "is a file, not the folder of a clone" if root.exists() else "does not exist"
            raise PatchError(f"{root} {what}", next_step="give the folder of a clone")
        self.root = root
        self._real_root = root.resolve()
        self.title = str(root) if root.name else str(self._real_root)
        self._bytes: dict[str, bytes] = {}
        self._sources: dict[str, Source] = {}

    def path(self, name: str) -> Path:
        """Return the real path of a file of the clone, links followed.

        Raises:
            PatchError: it is a link that leads out of the clone.
        """
        real = (self.root / name).resolve()
        if self._real_root not in real.parents:
            raise PatchError(f"is a link that leads out of the clone, to {real}", file=name)
        return real

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, the same for the whole run.

        Raises:
            PatchError: it cannot be read, or leads out of the clone.
        """
        if name not in self._bytes:
            try:
                self._bytes[name] = self.path(name).read_bytes()
            except OSError as error:
                raise PatchError(f"cannot be read ({error.strerror})", file=name) from None
        return self._bytes[name]

    def overlay(self, name: str, data: bytes) -> None:
        """Let a file have other bytes from here on, for this object alone; nothing is written."""
        self._bytes[name] = data
        self._sources.pop(name, None)

    def source(self, name: str) -> Source:
        """Return a file, parsed.

        Raises:
            PatchError: it cannot be read or parsed, or leads out of the clone.
        """
        if name not in self._sources:
            self._sources[name] = Source(self.read(name), name)
        return self._sources[name]

    @functools.cached_property
    def python_files(self) -> list[str]:
        """Every Python file, by path with forward slashes, outside hidden, built and installed folders."""
        names = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
            for file in sorted(files):
                path = Path(folder, file)
                if file.endswith(".py") and path.is_file() and path.stat().st_size <= _LARGEST:
                    names.append(path.relative_to(self.root).as_posix())
        return names

    def has(self, name: str) -> bool:
        """Say whether there is such a file."""
        return (self.root / name).is_file()

    def defines(self, name: str, wanted: Sequence[str]) -> bool:
        """Say whether a file exists, can be parsed and defines all the qualified names."""
        if not self.has(name):
            return False
        try:
            data = self.read(name)
            if not all(qualified.split(".")[0].encode() in data for qualified in wanted):
                return False
            defined = {qualified for qualified, _ in definitions(self.source(name).tree)}
            return all(defined.intersection(alternatives(qualified)) for qualified in wanted)
        except PatchError:
            return False
