"""The files of a clone, each read and parsed once, and which of them a recipe means."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Optional, Union

from ffl_plugin.patching import transaction
from ffl_plugin.patching.errors import PatchError, english
from ffl_plugin.patching.recipe import File, Recipe, alternatives, in_words
from ffl_plugin.patching.source import Source

_SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "venv", "env"})
_LARGEST = 2_000_000  # bytes; no hand-written module is larger


class NotThisFamily(PatchError):
    """The clone lacks what the recipe's family defines."""


class Ambiguous(PatchError):
    """Several places fit, and the user has to name one."""


class Clone:
    """A folder with Python files, read once.

    What an interrupted run has written is read as it was before: whoever writes next puts that back first.

    Args:
        root: the folder, as the user gave it.

    Attributes:
        title: how messages call it.
        notes: sentences for the user about an earlier run.
        python_files: every Python file, by path with forward slashes, outside hidden, built and installed
            folders.
        changed: the files that have other bytes than on the disk.
        files: where the files of the recipe that is being checked are, by the recipe's path.

    Raises:
        PatchError: it is not a folder, or was edited after a run had been interrupted there.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            what = "is a file, not the folder of a clone" if root.exists() else "does not exist"
            raise PatchError(f"{root} {what}", next_step="give the folder of a clone")
        self.root = root
        self._real_root = root.resolve()
        self.title = str(root) if root.name else str(self._real_root)
        self.python_files = _python_files(root)
        self.files: Mapping[str, str] = {}
        self.changed: tuple[str, ...] = ()
        interrupted = transaction.interrupted(root)
        self.notes = () if interrupted is None else (interrupted,)
        self._before = transaction.bytes_before(root)
        self._bytes: dict[str, bytes] = {}
        self._parsed: dict[tuple[str, bytes], Source] = {}

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
            path = self.path(name)
            try:
                self._bytes[name] = self._before[path] if path in self._before else path.read_bytes()
            except OSError as error:
                raise PatchError(f"cannot be read ({error.strerror})", file=name) from None
        return self._bytes[name]

    def source(self, name: str) -> Source:
        """Return a file, parsed.

        Raises:
            PatchError: it cannot be read or parsed, or leads out of the clone.
        """
        return self.parse(self.read(name), name)

    def parse(self, data: bytes, name: str) -> Source:
        """Return a file as it would be with other bytes, parsed.

        Raises:
            PatchError: it cannot be parsed.
        """
        return self._parsed.get((name, data)) or Source(data, name, self._parsed)

    def with_changes(self, changes: Mapping[str, bytes]) -> Clone:
        """Return the clone with other bytes for some files; nothing is written."""
        changed = copy.copy(self)
        changed._bytes = {**self._bytes, **changes}
        changed.changed = tuple(dict.fromkeys([*self.changed, *changes]))
        return changed

    def with_files(self, files: Mapping[str, str]) -> Clone:
        """Return the clone with the files of a recipe, for its checks."""
        located = copy.copy(self)
        located.files = files
        return located

    def module(self, parts: Sequence[str], importer: str, level: int = 0) -> Optional[str]:
        """Return the file of the module ``a.b.c``, or of ``a.b`` where ``c`` is a name in it.

        Args:
            parts: ``["a", "b", "c"]``.
            importer: the file that imports it; its own folder comes first, then those above it.
            level: the number of dots before a relative import.
        """
        folders = [*PurePosixPath(importer).parents]
        for wanted in (parts, parts[:-1]):
            for folder in folders[level - 1 : level] if level else folders:
                for name in (f"{'/'.join(wanted)}.py", "/".join([*wanted, "__init__.py"])):
                    file = (folder / name).as_posix()
                    if wanted and self.has(file):
                        return file
        return None

    def has(self, name: str) -> bool:
        """Say whether there is such a file."""
        return (self.root / name).is_file()

    def defines(self, name: str, wanted: Sequence[str]) -> bool:
        """Say whether a file exists, can be parsed and defines all the qualified names."""
        if not self.has(name):
            return False
        try:
            data = self.read(name)
            if not all(_may_define(data, qualified) for qualified in wanted):
                return False
            defined = self.source(name).definitions
            return all(defined.keys() & alternatives(qualified) for qualified in wanted)
        except PatchError:
            return False


def opened(root: Union[Path, Clone]) -> Clone:
    """Return the clone in a folder, or the one that is open already.

    Raises:
        PatchError: as `Clone` does.
    """
    return root if isinstance(root, Clone) else Clone(root)


def find_files(clone: Clone, recipe: Recipe) -> dict[str, str]:
    """Return where each file of a recipe is, by the recipe's path, without the optional ones that are absent.

    Raises:
        NotThisFamily: no file defines what one of the recipe's files does.
        Ambiguous: there are several clones below the folder, or several files that define the same.
        PatchError: the file at a recipe's path cannot be parsed.
    """
    candidates: dict[str, list[str]] = {}
    for file in recipe.files:
        if clone.has(file.path):
            clone.source(file.path)  # Refuses what cannot be parsed, rather than look further.
        candidates[file.path] = [name for name in clone.python_files if clone.defines(name, file.holds)]
        if not candidates[file.path] and not file.optional:
            raise _unreadable(clone, file) or _missing(clone, recipe, file)
    optional = {file.path for file in recipe.files if file.optional}
    needed = {path: names for path, names in candidates.items() if path not in optional}
    first = recipe.files[0].path
    folders = [
        name[: -len(first)] for name in candidates[first] if name == first or name.endswith(f"/{first}")
    ]
    whole = [folder for folder in folders if all(folder + path in names for path, names in needed.items())]
    if len(whole) > 1 and "" not in whole:
        raise Ambiguous(
            f"{clone.title} holds {len(whole)} clones of the {recipe.name} family "
            f"({english([folder.rstrip('/') for folder in whole])})",
            next_step="give the folder of one",
        )
    if whole:
        folder = "" if "" in whole else whole[0]
        return {path: folder + path for path, names in candidates.items() if folder + path in names}
    return _by_content(clone, recipe, {path: names for path, names in candidates.items() if names})


def _by_content(clone: Clone, recipe: Recipe, candidates: Mapping[str, list[str]]) -> dict[str, str]:
    """Choose for each of the recipe's files the one at its path, the only one, or the one that fits."""
    found = {path: path if path in names else names[0] for path, names in candidates.items()}
    for file in recipe.files:
        names = candidates.get(file.path, [])
        if file.path in names or len(names) == 1:
            continue
        if file.optional:
            found.pop(file.path, None)
            continue
        problems = {name: _problem(clone, name, file, found) for name in names}
        fitting = [name for name, problem in problems.items() if problem is None]
        if not fitting:
            reasons = "; ".join(
                f"{problem.place}{problem.problem}" for problem in problems.values() if problem
            )
            raise Ambiguous(
                f"{english(names)} in {clone.title} each define {file.holds[0]}, and none of them can be "
                f"patched ({reasons})"
            )
        if len(fitting) != 1:
            raise Ambiguous(
                f"{english(fitting)} in {clone.title} each define {file.holds[0]}",
                next_step=f"put the one to patch at {file.path}, where {recipe.upstream} has it",
            )
        found[file.path] = fitting[0]
    return found


def _missing(clone: Clone, recipe: Recipe, file: File) -> PatchError:
    for other in recipe.others:
        for name in clone.python_files:
            if clone.defines(name, other.holds):
                return NotThisFamily(
                    f"{other.because}, which the {recipe.name} recipe does not fit", file=name
                )
    because = f"{clone.title} is not of the {recipe.name} family"
    near = _nearest(clone, file)
    if near is not None:
        name, there, lacking = near
        return NotThisFamily(f"{because}: {name} defines {in_words(there)}, but not {in_words(lacking)}")
    return NotThisFamily(f"{because}: no file defines {in_words(file.holds)}")


def _nearest(clone: Clone, file: File) -> Optional[tuple[str, list[str], list[str]]]:
    """The file that defines most of what one of the recipe's files does; None if none has anything telling.

    A function with a common name, such as ``main``, tells nothing unless it comes first.
    """
    telling = [name for name in file.holds if "." in name or name == file.holds[0]]
    best: Optional[tuple[str, list[str], list[str]]] = None
    for name in clone.python_files:
        if any(clone.defines(name, [wanted]) for wanted in telling):
            there = [wanted for wanted in file.holds if clone.defines(name, [wanted])]
            if best is None or len(there) > len(best[1]):
                best = name, there, [wanted for wanted in file.holds if wanted not in there]
    return best


def _problem(clone: Clone, name: str, file: File, files: Mapping[str, str]) -> Optional[PatchError]:
    """Why a file cannot be the one of a recipe; None if it can."""
    try:
        for check in file.checks:
            check(clone.source(name), clone.with_files({**files, file.path: name}))
    except PatchError as error:
        return error
    return None


def _unreadable(clone: Clone, file: File) -> Optional[PatchError]:
    """Why a file that seems to be the one of a recipe, by its name and words, cannot be read."""
    last = file.path.rpartition("/")[2]
    for name in clone.python_files:
        try:
            if name.rpartition("/")[2] == last and all(
                _may_define(clone.read(name), each) for each in file.holds
            ):
                clone.source(name)
        except PatchError as error:
            return error
    return None


def _may_define(data: bytes, qualified: str) -> bool:
    """Say quickly whether a file has the words of a qualified name."""
    return any(all(word.encode() in data for word in name.split(".")) for name in alternatives(qualified))


def _python_files(root: Path) -> list[str]:
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for file in sorted(files):
            path = Path(folder, file)
            if file.endswith(".py") and path.is_file() and path.stat().st_size <= _LARGEST:
                names.append(path.relative_to(root).as_posix())
    return names
