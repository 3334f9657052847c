"""The files of a clone, each read and parsed once, and resolution of names across them."""

from __future__ import annotations

import ast
import contextlib
import copy
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Optional, Union

from ffl_plugin.patching import transaction
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import alternatives
from ffl_plugin.patching.source import Source

_SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "venv", "env"})
_LARGEST = 2_000_000  # bytes; no hand-written file is larger
_DEFINED = re.compile(rb"\b(?:class|def)[\s\\]+(\w+)")


class Clone:
    """A folder with Python files, read once.

    Files written by an interrupted run are read as they were before it: the next write restores them first.

    Args:
        root: the folder, as given by the user.

    Attributes:
        title: its name in messages.
        notes: sentences for the user about an interrupted run.
        python_files: paths of all Python files, with forward slashes, outside hidden, build and environment
            folders.
        yaml_files: the same for YAML files.
        changed: the files whose bytes differ from those on disk.
        files: paths of the current recipe's files in the clone, by the recipe's path.

    Raises:
        PatchError: it is not a folder, or was edited after an interrupted run.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            what = "is a file, not the folder of a clone" if root.exists() else "does not exist"
            raise PatchError(f"{root} {what}", next_step="pass the folder of a clone")
        self.root = root
        self._real_root = root.resolve()
        self.title = str(root) if root.name else str(self._real_root)
        self.python_files, self.yaml_files = _files(root, (".py",), (".yaml", ".yml"))
        self.files: Mapping[str, str] = {}
        self.changed: tuple[str, ...] = ()
        interrupted = transaction.interrupted(root)
        self.notes = () if interrupted is None else (interrupted,)
        self._before = transaction.bytes_before(root)
        self._bytes: dict[str, bytes] = {}
        self._parsed: dict[tuple[str, bytes], Source] = {}
        self._defined: dict[bytes, frozenset[str]] = {}

    def path(self, name: str) -> Path:
        """Return the real path of a file of the clone, with links resolved.

        Raises:
            PatchError: it is a link to outside the clone.
        """
        real = (self.root / name).resolve()
        if self._real_root not in real.parents:
            raise PatchError(f"is a link to outside the clone, {real}", file=name)
        return real

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, read once per run.

        Raises:
            PatchError: it cannot be read, or is outside the clone.
        """
        if name not in self._bytes:
            path = self.path(name)
            try:
                self._bytes[name] = self._before[path] if path in self._before else path.read_bytes()
            except OSError as error:
                raise PatchError(f"cannot be read ({error.strerror})", file=name) from None
        return self._bytes[name]

    def source(self, name: str) -> Source:
        """Return a parsed file.

        Raises:
            PatchError: it cannot be read or parsed, or is outside the clone.
        """
        return self.parse(self.read(name), name)

    def parse(self, data: bytes, name: str) -> Source:
        """Return a file parsed from other bytes.

        Raises:
            PatchError: it cannot be parsed.
        """
        return self._parsed.get((name, data)) or Source(data, name, self._parsed)

    def with_changes(self, changes: Mapping[str, bytes]) -> Clone:
        """Return the clone with other bytes for some files, in memory."""
        changed = copy.copy(self)
        changed._bytes = {**self._bytes, **changes}
        changed.changed = tuple(dict.fromkeys([*self.changed, *changes]))
        return changed

    def with_files(self, files: Mapping[str, str]) -> Clone:
        """Return the clone with ``files`` set, for checks."""
        located = copy.copy(self)
        located.files = files
        return located

    def module(self, parts: Sequence[str], importer: str, level: int = 0) -> Optional[str]:
        """Return the file of the module ``a.b.c``, or of ``a.b`` if ``c`` is a name in it.

        Args:
            parts: ``["a", "b", "c"]``.
            importer: the importing file; its folder is searched first, then the parents.
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
        """Whether the file exists."""
        return (self.root / name).is_file()

    def defines(self, name: str, wanted: Sequence[str]) -> bool:
        """Whether a file exists, can be parsed and defines all the qualified names."""
        try:
            if not all(self.may_define(name, qualified) for qualified in wanted):
                return False
            defined = self.source(name).definitions
            return all(defined.keys() & alternatives(qualified) for qualified in wanted)
        except PatchError:
            return False

    def defining(self, wanted: Sequence[str]) -> list[str]:
        """Return the Python files that define all the qualified names."""
        return [name for name in self.python_files if self.defines(name, wanted)]

    def may_define(self, name: str, qualified: str) -> bool:
        """A quick test: whether a file defines, somewhere, each part of a qualified name or an alternative.

        It parses nothing, so a definition in a string or a comment counts too.

        Raises:
            PatchError: it cannot be read.
        """
        data = self.read(name)
        if data not in self._defined:
            self._defined[data] = frozenset(
                found.decode("ascii", "ignore") for found in _DEFINED.findall(data)
            )
        defined = self._defined[data]
        return any(defined.issuperset(each.split(".")) for each in alternatives(qualified))


def open_clone(root: Union[Path, Clone]) -> Clone:
    """Return the clone in a folder, or the given clone.

    Raises:
        PatchError: as `Clone`.
    """
    return root if isinstance(root, Clone) else Clone(root)


class Definition(NamedTuple):
    """A class or function, with its file."""

    source: Source
    node: ast.stmt

    @property
    def name(self) -> str:
        """Its name in that file."""
        return str(getattr(self.node, "name", ""))


def definitions_of(
    name: str, source: Source, clone: Clone, through: tuple[str, ...] = ()
) -> Iterator[Definition]:
    """Yield the definitions of a dotted name in a file: its own, or imported from another file of the clone.

    Args:
        name: such as ``Pix2PixModel``, or ``models.pix2pix_model.Pix2PixModel`` after ``import models``.
        source: the file that uses the name.
        clone: where imports are resolved.
        through: files already visited.
    """
    for definition in source.definitions.get(name, ()):
        yield Definition(source, definition)
    for level, module, alias in _aliases(source):
        bound = alias.asname or alias.name
        if bound != "*" and name != bound and not name.startswith(f"{bound}."):
            continue
        path = name if bound == "*" else alias.name + name[len(bound) :]
        parts = [*module, *path.split(".")]
        file = clone.module(parts, source.name, level)
        if file is not None and file not in (source.name, *through):
            with contextlib.suppress(PatchError):  # a file that cannot be parsed defines nothing known
                yield from definitions_of(parts[-1], clone.source(file), clone, (*through, source.name))


def classes_above(definition: Definition, clone: Clone) -> Iterator[Definition]:
    """Yield a class and its base classes, as far as the clone defines them."""
    seen: set[ast.stmt] = set()
    classes = [definition]
    while classes:
        each = classes.pop(0)
        if each.node not in seen and isinstance(each.node, ast.ClassDef):
            seen.add(each.node)
            yield each
            for base in each.node.bases:
                classes += definitions_of(ast.unparse(base), each.source, clone)


def imported_files(source: Source, clone: Clone) -> set[str]:
    """Return the files of a clone that a file imports from."""
    found = (
        clone.module([*module, *alias.name.split(".")], source.name, level)
        for level, module, alias in _aliases(source)
    )
    return {file for file in found if file is not None}


def _aliases(source: Source) -> Iterator[tuple[int, list[str], ast.alias]]:
    """Yield each imported name with its number of leading dots and the parts of its module."""
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            yield from ((node.level, module, alias) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((0, [], alias) for alias in node.names)


def _files(root: Path, *kinds: tuple[str, ...]) -> list[list[str]]:
    """Return the paths of the files with the endings of each kind."""
    names: list[list[str]] = [[] for _ in kinds]
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for file in sorted(files):
            path = Path(folder, file)
            for found, endings in zip(names, kinds):
                if file.endswith(endings) and path.is_file() and path.stat().st_size <= _LARGEST:
                    found.append(path.relative_to(root).as_posix())
    return names
