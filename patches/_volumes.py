"""Whether a file's networks make volumes: modules it names convolve in three dimensions, and none in two."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Optional

from ffl_plugin.patching import Clone, PatchError, Source

_THREE = frozenset({"Conv3d", "ConvTranspose3d", "conv3d", "conv_transpose3d"})
_TWO = frozenset({"Conv2d", "ConvTranspose2d", "conv2d", "conv_transpose2d"})


def no_volumes(source: Source, clone: Clone) -> None:
    """Refuse a file whose networks make volumes: the loss is for images (N, C, H, W).

    A module that convolves in two dimensions as well may make images, and one beside it too: then the first
    step of the training tells.
    """
    module = _module_of_volumes(source, clone)
    if module is not None:
        raise PatchError(
            f"the images are volumes ({module}, which it uses, convolves in three dimensions only), and the "
            "loss is for (N, C, H, W)",
            file=source.name,
        )


def _module_of_volumes(source: Source, clone: Clone) -> Optional[str]:
    """The first module that a file names and that makes its networks three-dimensional."""
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
    for node in source.nodes:
        level, dotted = 0, []
        if isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            level, dotted = node.level, [f"{prefix}{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = node.value.split(".")
            dotted = [node.value] if len(parts) > 2 and all(map(str.isidentifier, parts)) else []
        for name in dotted:
            module = clone.module(name.split("."), source.name, level)
            if module is not None:
                yield module
