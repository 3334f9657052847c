"""Finds missing modules that a clone's scripts import, without running them."""

from __future__ import annotations

import fnmatch
import importlib.util
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Optional

from ffl_plugin.doctor.syntax import Imported, Sources


class When(IntEnum):
    """When a script imports a module, from certain to possible."""

    START = 0
    CALL = 1
    CHOICE = 2


@dataclass(frozen=True)
class Missing:
    """A missing module.

    Args:
        module: its dotted name.
        file: the file of the clone that imports it.
        line: the line of the import.
        when: when it is imported.
        in_clone: whether it belongs to the clone.
    """

    module: str
    file: str
    line: int
    when: When
    in_clone: bool


@dataclass(frozen=True)
class Reached:
    """The imports of a script.

    Args:
        missing: the missing modules, each once, with its most certain import.
        files: the imported files of the clone, including the script.
    """

    missing: tuple[Missing, ...]
    files: frozenset[Path]


def follow(script: Path, sources: Sources, base: Path, certain: Collection[Path] = ()) -> Reached:
    """Follow the imports of a script through the clone's modules.

    Imports inside ``try`` are skipped: the upstream can do without. A module named in a string counts as
    imported; if the string is below an ``if`` or concatenated (``"models." + name``), as optional.

    Args:
        script: the script; modules in its folder and below ``base`` belong to the clone.
        sources: the clone's files.
        base: the folder from which the clone's scripts are run.
        certain: files that are always imported, whatever the options.
    """
    roots = list(dict.fromkeys([script.parent, base]))
    missing: dict[str, Missing] = {}
    waiting: dict[Path, When] = {script: When.START}
    seen: set[Path] = set()
    while waiting:
        path = min(waiting, key=lambda file: (waiting[file], file))
        reached = waiting.pop(path)
        seen.add(path)
        found: list[tuple[Path, When]] = []
        for imported in sources.imports(path, _package(path, roots), path == script):
            when = max(reached, When.CALL if imported.in_function else When.START)
            files, module, in_clone = _resolve(imported, roots)
            found += [(file, when) for file in files]
            if module is not None and (module not in missing or when < missing[module].when):
                missing[module] = Missing(module, sources.name(path), imported.line, when, in_clone)
        for pattern, is_certain in sources.named_modules(path):
            for file in _chosen(pattern, roots):
                found.append((file, reached if is_certain or file in certain else When.CHOICE))
        for file, when in found:
            if file not in seen:
                waiting[file] = min(when, waiting.get(file, when))
    return Reached(tuple(missing.values()), frozenset(seen))


def _package(path: Path, roots: Sequence[Path]) -> tuple[str, ...]:
    for root in sorted(roots, key=lambda root: -len(root.parts)):
        if root in path.parents:
            return path.relative_to(root).parts[:-1]
    return ()


def _resolve(imported: Imported, roots: Sequence[Path]) -> tuple[list[Path], Optional[str], bool]:
    """Return the clone's files that an import runs, the missing module, and whether it is the clone's."""
    parts = imported.name.split(".")
    for root in roots:
        files: list[Path] = []
        for length in range(1, len(parts) + 1):
            place = root.joinpath(*parts[:length])
            here = [file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file()]
            if not here and not place.is_dir():
                break
            files += here
        else:
            return files, None, True
        if length > 1:  # the package belongs to the clone
            lacking = length < len(parts) or imported.is_module
            return files, ".".join(parts[:length]) if lacking else None, True
    return [], _absent(imported), False


def _absent(imported: Imported) -> Optional[str]:
    """Return the missing prefix of a dotted name; None if it is installed, as far as files show."""
    parts = imported.name.split(".")
    try:
        spec = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError):
        return None
    if spec is None:
        return parts[0]
    needed = len(parts) if imported.is_module else len(parts) - 1
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    for length in range(1, needed):
        if not folders:
            return None
        names = [folder / parts[length] for folder in folders]
        if not any(_is_module(name) for name in names):
            module = ".".join(parts[: length + 1])
            return None if _is_made_on_import(module) else module
        folders = [name for name in names if name.is_dir()]
    return None


def _is_made_on_import(module: str) -> bool:
    """Whether a module without a file of its own exists once its package is imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except Exception:  # importing an installed package may raise anything
        return False


def _is_module(name: Path) -> bool:
    return name.is_dir() or any(
        file.suffix in (".py", ".so", ".pyd") for file in name.parent.glob(f"{name.name}.*")
    )


def _chosen(pattern: str, roots: Sequence[Path]) -> Iterator[Path]:
    """Yield the clone's files whose dotted name matches a pattern, or whose class or function it names."""
    for root in roots:
        for name in (pattern, pattern.rpartition(".")[0]):
            first, *rest = name.split(".")
            if rest and re.fullmatch(r"\w+", first) and (root / first).is_dir():
                names = Path(*rest[:-1], f"{rest[-1]}.py").as_posix()
                yield from sorted(
                    file
                    for file in (root / first).rglob("*.py")
                    if fnmatch.fnmatchcase(file.relative_to(root / first).as_posix(), names)
                )
