"""Where values go in a function: what is stored, what is mentioned, and what reaches a backward pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Optional

from ffl_plugin.patching.source import Scope

_OF_ALL_ELEMENTS = frozenset({"items", "values", "copy"})
_SHOWING = frozenset({"print", "float", "str", "repr", "format", "len", "isinstance", "round", "getattr"})


def reaches_an_end(function: Scope, carrier: str, start: tuple[int, int], *, whole: bool) -> bool:
    """Follow a value down a function through assignments and containers, to where it is used up.

    With ``whole`` the carrier is a container: who reads only an element of it does not get the value.
    """
    carriers = {carrier}
    nodes = [node for node in ast.walk(function) if isinstance(node, (ast.stmt, ast.Call, ast.withitem))]
    for node in sorted(nodes, key=place):
        if place(node) < start or not mentions(node, carriers, whole=whole):
            continue
        if isinstance(node, ast.Return) or (
            isinstance(node, ast.Call) and (is_backward(node) or _hands_on(node, carriers, whole=whole))
        ):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            receiver = getattr(node.value.func, "value", None)  # losses.append(loss)
            carriers.update(name for name in [dotted_name(receiver)] if name is not None)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.withitem)):
            carriers.update(name for name, _ in stored(node))
    return False


def dotted_name(node: object) -> Optional[str]:
    """Return the dotted name that a node is; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted_name(node.value)) is not None:
        return f"{owner}.{node.attr}"
    return None


def stored(root: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield every name that is bound below a node; an element stands for its container."""
    for node in ast.walk(root):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            inner = node
            while isinstance(inner, (ast.Subscript, ast.Starred)):
                inner = inner.value
            name = dotted_name(inner)
            if name is not None and isinstance(node, ast.expr):
                yield name, node


def mentions(root: ast.AST, carriers: set[str], *, whole: bool = False) -> bool:
    """Say whether a node has one of the names in it; with ``whole``, not only for one of its elements."""
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
    """Say whether a call is one of a method ``backward``."""
    return ast.unparse(call.func).rpartition(".")[2] == "backward"


def place(node: ast.AST) -> tuple[int, int]:
    """Return the line and the column at which a node starts."""
    starting = node.context_expr if isinstance(node, ast.withitem) else node
    return starting.lineno, starting.col_offset  # type: ignore[attr-defined]


def _hands_on(call: ast.Call, carriers: set[str], *, whole: bool) -> bool:
    """Whether a method of the object, or a function that is not one for showing, is given a carrier."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not any(mentions(argument, carriers, whole=whole) for argument in given):
        return False
    name = dotted_name(call.func)
    return name is not None and (name.startswith("self.") or "." not in name) and name not in _SHOWING
