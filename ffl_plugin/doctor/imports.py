"""Which modules a training script needs that are not installed; nothing of it is run."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path


def missing_modules(script: Path) -> list[str]:
    """Return the absent top-level modules that a script imports, itself or through its neighbours.

    Only imports that run when the script starts are followed: not those inside functions, and not those
    inside ``try``, which the upstream can do without.

    Args:
        script: the script; modules in its folder are followed.
    """
    root = script.parent
    missing: set[str] = set()
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in _imported(path, root):
            local = _local_files(root, name)
            waiting += local
            if not local and _absent(name.split(".")[0]):
                missing.add(name.split(".")[0])
    return sorted(missing)


def _imported(path: Path, root: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports as it is imported, relative ones made absolute."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    package = path.relative_to(root).parts[:-1]
    for node in _running(tree.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inside = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*inside, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _running(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.With, ast.ClassDef)):
            yield from _running(statement.body)
            yield from _running(getattr(statement, "orelse", []))


def _local_files(root: Path, name: str) -> list[Path]:
    """The files that importing a dotted name runs, if it is below the root."""
    files = []
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:length])
        files += [file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file()]
        if length == 1 and not files and place.is_dir():
            files.append(place)  # A package without __init__.py: no file to read, but not missing.
    return files


def _absent(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is None
    except (ImportError, ValueError):
        return False
