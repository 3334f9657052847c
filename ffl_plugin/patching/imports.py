"""Where a clone defines what a name in one of its files stands for."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.source import Source


class Definition(NamedTuple):
    """A class or function, and the file that defines it."""

    source: Source
    node: ast.stmt

    @property
    def name(self) -> str:
        """Its name there."""
        return str(getattr(self.node, "name", ""))


def definitions_of(
    name: str, source: Source, clone: Clone, through: tuple[str, ...] = ()
) -> Iterator[Definition]:
    """Yield what a dotted name means in a file: defined there, or imported from another file of the clone.

    Args:
        name: such as ``Pix2PixModel``, or ``models.pix2pix_model.Pix2PixModel`` after ``import models``.
        source: the file that uses the name.
        clone: where its imports are looked for.
        through: the files that led here.
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
            with contextlib.suppress(PatchError):  # What cannot be parsed defines nothing that we know of.
                yield from definitions_of(parts[-1], clone.source(file), clone, (*through, source.name))


def classes_above(definition: Definition, clone: Clone) -> Iterator[Definition]:
    """Yield a class and those it inherits from, as far as the clone defines them."""
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
    """Return the files of a clone that a file imports, or imports a name from."""
    found = (
        clone.module([*module, *alias.name.split(".")], source.name, level)
        for level, module, alias in _aliases(source)
    )
    return {file for file in found if file is not None}


def _aliases(source: Source) -> Iterator[tuple[int, list[str], ast.alias]]:
    """Yield each imported name with the number of dots and the parts of the module before it."""
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            yield from ((node.level, module, alias) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((0, [], alias) for alias in node.names)
