"""Names that code binds, mentions, calls and backpropagates."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence, Set
from typing import Optional, Union

from ffl_plugin.patching import Source
from ffl_plugin.patching.source import FUNCTIONS, Scope

_OF_ALL_ELEMENTS = frozenset({"items", "values", "copy"})
_BACKWARD = frozenset({"backward", "manual_backward"})


def dotted_name(node: object) -> Optional[str]:
    """Return a node's dotted name; None if it is not one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted_name(node.value)) is not None:
        return f"{owner}.{node.attr}"
    return None


def stored(root: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield every name bound below a node; an element stands for its container."""
    for node in ast.walk(root):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            inner = node
            while isinstance(inner, (ast.Subscript, ast.Starred)):
                inner = inner.value
            name = dotted_name(inner)
            if name is not None and isinstance(node, ast.expr):
                yield name, node


def mentions(root: ast.AST, carriers: Set[str], *, whole: bool = False) -> bool:
    """Whether a node mentions one of the names; with ``whole``, not just one of its elements."""
    read_in_part = {
        id(node.value)
        for node in ast.walk(root)
        if whole and isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Load)
        if getattr(node, "attr", "") not in _OF_ALL_ELEMENTS
    }
    return any(dotted_name(node) in carriers and id(node) not in read_in_part for node in ast.walk(root))


def calls(roots: Sequence[ast.AST]) -> Iterator[ast.Call]:
    """Yield every call below some nodes."""
    for root in roots:
        yield from (node for node in ast.walk(root) if isinstance(node, ast.Call))


def is_backward(call: ast.Call) -> bool:
    """Whether a call backpropagates, such as ``scaler.scale(loss).backward()``."""
    return ast.unparse(call.func).rpartition(".")[2] in _BACKWARD


def place(node: ast.AST) -> tuple[int, int]:
    """Return the line and column of a node's start."""
    starting = node.context_expr if isinstance(node, ast.withitem) else node
    return starting.lineno, starting.col_offset  # type: ignore[attr-defined]


def nodes_of_nested(function: Scope) -> set[int]:
    """Return the nodes of the functions nested in a function."""
    return {
        id(node)
        for inner in ast.walk(function)
        if isinstance(inner, FUNCTIONS) and inner is not function
        for node in ast.walk(inner)
    }


def name_of(function: Scope) -> str:
    """Return a function's name, for messages."""
    return getattr(function, "name", "the module")


def is_later(source: Source, node: Union[ast.expr, ast.stmt], anchor: ast.stmt) -> bool:
    """Whether a node is below a statement."""
    return source.start_of(node) > source.end_of(anchor)
