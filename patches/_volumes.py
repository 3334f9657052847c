"""Checks whether a file's networks generate volumes, using only three-dimensional convolutions."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import Optional

from ffl_plugin.patching import Clone, PatchError, Source

_THREE = frozenset({"Conv3d", "ConvTranspose3d", "conv3d", "conv_transpose3d"})
_TWO = frozenset({"Conv2d", "ConvTranspose2d", "conv2d", "conv_transpose2d"})


def no_volumes(source: Source, clone: Clone) -> None:
    """Refuse a file whose networks generate volumes: the loss is for images (N, C, H, W).

    A module that also convolves in two dimensions may generate images, as may one beside it: then the first
    training step checks the shapes.
    """
    module = _module_of_volumes(source, clone)
    if module is not None:
        raise PatchError(
            f"the images are volumes ({module}, which it uses, convolves in three dimensions only), but the "
            "loss is for (N, C, H, W)",
            file=source.name,
        )


def _module_of_volumes(source: Source, clone: Clone) -> Optional[str]:
    """Return the first module that a file names and that makes its networks three-dimensional."""
    used: dict[str, set[str]] = {}
    for name in dict.fromkeys(_modules(source, clone)):
        with contextlib.suppress(PatchError):
            used[name] = _convolutions(name, clone)
    if any(names & _TWO for names in used.values()):
        return None
    return next((name for name, names in used.items() if names & _THREE), None)


def _convolutions(name: str, clone: Clone) -> set[str]:
    """Return the convolutions that a module names in code, not in comments."""
    if not any(word.encode() in clone.read(name) for word in _TWO | _THREE):
        return set()
    nodes = clone.source(name).nodes
    return {getattr(node, "attr", getattr(node, "id", "")) for node in nodes} & (_TWO | _THREE)


def _modules(source: Source, clone: Clone) -> Iterator[str]:
    """Yield the clone's modules that a file imports, or names in a dotted string as launchers do."""
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
