"""Which modules the scripts of a clone need that are not there; nothing of them is run."""

from __future__ import annotations

import fnmatch
import importlib.util
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Optional

from ffl_plugin.doctor.sources import Imported, Sources


class When(IntEnum):
    """When a script imports a module, from certainly to perhaps."""

    START = 0
    CALL = 1
    CHOICE = 2


@dataclass(frozen=True)
class Missing:
    """A module that is not there.

    Args:
        module: its dotted name.
        file: the file of the clone that imports it.
        line: where in that file.
        when: when it is imported.
        function: by which function, if by one.
        in_clone: whether it would be a module of the clone.
    """

    module: str
    file: str
    line: int
    when: When
    function: Optional[str]
    in_clone: bool


@dataclass(frozen=True)
class Reached:
    """What a script imports.

    Args:
        missing: the modules that are not there, each once, with the most certain need of it.
        files: the files of the clone that are imported, the script among them.
    """

    missing: tuple[Missing, ...]
    files: frozenset[Path]


def follow(script: Path, sources: Sources, base: Path, certain: Collection[Path] = ()) -> Reached:
    """Follow the imports of a script through the clone's own modules.

    Imports inside ``try`` are left out: the upstream can do without. A module whose name is a string counts
    as imported; if that string is below an ``if`` or put together (``"models." + name``), as chosen.

    Args:
        script: the script; modules in its folder and below ``base`` are the clone's own.
        sources: the clone's files.
        base: the folder from which the clone's scripts are run.
        certain: files that are imported whatever the options are.
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
            when = max(reached, When.CALL if imported.function else When.START)
            files, absent = _resolve(imported, roots)
            found += [(file, when) for file in files]
            if absent is not None:
                need = replace(
                    absent, file=sources.name(path), line=imported.line, when=when, function=imported.function
                )
                if absent.module not in missing or when < missing[absent.module].when:
                    missing[absent.module] = need
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


def _resolve(imported: Imported, roots: Sequence[Path]) -> tuple[list[Path], Optional[Missing]]:
    """The clone's files that an import runs, and the module it asks for in vain, the clone's or another."""
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
            return files, None
        if length > 1:  # The package is the clone's.
            vain = ".".join(parts[:length]) if length < len(parts) or imported.is_module else None
            return files, None if vain is None else _missing(vain, in_clone=True)
    vain = _absent(imported)
    return [], None if vain is None else _missing(vain, in_clone=False)


def _missing(module: str, *, in_clone: bool) -> Missing:
    return Missing(module, "", 0, When.START, None, in_clone)


def _absent(imported: Imported) -> Optional[str]:
    """The part of a dotted name that the environment lacks; None if it has it, as far as files can tell."""
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
    """Whether a module that is no file below its package is there once the package is imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except Exception:  # whatever an installed package does when it is imported
        return False


def _is_module(name: Path) -> bool:
    return name.is_dir() or any(
        file.suffix in (".py", ".so", ".pyd") for file in name.parent.glob(f"{name.name}.*")
    )


def _chosen(pattern: str, roots: Sequence[Path]) -> Iterator[Path]:
    """The files of the clone whose dotted name fits a pattern, or of which it names a class or function."""
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
