"""Finds names that a file uses but never binds, which raise a NameError."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from typing import NamedTuple, Optional

_BUILTIN = frozenset(
    {*dir(builtins), "__file__", "__path__", "__builtins__", "__annotations__", "unicode", "WindowsError"}
)
_IMPORTS = {
    "Path": "from pathlib import Path",
    "np": "import numpy as np",
    "plt": "import matplotlib.pyplot as plt",
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
    "Image": "from PIL import Image",
}
_MODULES = frozenset(
    {"os", "sys", "re", "json", "math", "time", "random", "torch", "warnings", "argparse", "copy"}
)


class Unbound(NamedTuple):
    """An unbound name, at its first use."""

    line: int
    name: str


def unbound_names(tree: ast.Module) -> list[Unbound]:
    """Return the names that a module reads but never binds, each at its first use.

    Empty for a module that imports ``*`` or writes to ``globals()``: it may bind any name.
    """
    bound = set(_BUILTIN)
    for node in ast.walk(tree):
        bound.update(_binds(node))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return []
        if isinstance(node, ast.Name) and node.id in ("globals", "exec"):
            return []
    first: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
            first[node.id] = min(node.lineno, first.get(node.id, node.lineno))
    return sorted(Unbound(line, name) for name, line in first.items())


def import_of(name: str) -> Optional[str]:
    """Return the usual import of a name; None if there is none."""
    return _IMPORTS.get(name, f"import {name}" if name in _MODULES else None)


def _binds(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]
    elif type(node).__name__ in ("MatchAs", "MatchStar") and getattr(node, "name", None):
        yield node.name  # type: ignore[attr-defined]
    elif type(node).__name__ == "MatchMapping" and getattr(node, "rest", None):
        yield node.rest  # type: ignore[attr-defined]
