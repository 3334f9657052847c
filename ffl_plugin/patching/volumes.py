"""Whether a file's networks make volumes: modules it names convolve in three dimensions, and none in two."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Optional

from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.source import Source

_THREE = frozenset({"Conv3d", "ConvTranspose3d", "conv3d", "conv_transpose3d"})
_TWO = frozenset({"Conv2d", "ConvTranspose2d", "conv2d", "conv_transpose2d"})


def module_of_volumes(source: Source, clone: Clone) -> Optional[str]:
    """Return the first module that a file names and that makes its networks three-dimensional.

    A module that convolves in two dimensions as well may make images, and one beside it too: then it is None,
    and the first step of the training tells.

    Args:
        source: the file that builds the networks.
        clone: where its modules are looked for.
    """
    volumes = None
    for name in dict.fromkeys(_modules(source, clone)):
        try:
            used = set(_convolutions(clone.source(name).tree))
        except PatchError:
            continue
        if used & _TWO:
            return None
        if used & _THREE:
            volumes = volumes or name
    return volumes


def _convolutions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def _modules(source: Source, clone: Clone) -> Iterator[str]:
    """Yield the modules of a clone that a file imports, or names by a dotted string as launchers do."""
    folders = [*PurePosixPath(source.name).parents]
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom):
            starts = folders if not node.level else folders[node.level - 1 : node.level]
            module = (node.module or "").split(".") if node.module else []
            for alias in node.names:
                yield from _files(clone, starts, [*module, alias.name])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(clone, folders, alias.name.split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = node.value.split(".")
            if len(parts) > 2 and all(part.isidentifier() for part in parts):
                yield from _files(clone, folders, parts)


def _files(clone: Clone, folders: list[PurePosixPath], parts: list[str]) -> Iterator[str]:
    """Yield the file of the module ``a.b.c``, or of ``a.b`` where ``c`` is a name in it."""
    for wanted in (parts, parts[:-1]):
        for folder in folders:
            name = folder.joinpath(*wanted).with_suffix(".py").as_posix() if wanted else ""
            if name and clone.has(name):
                yield name
                return
