"""Whether what an inserted statement adds gets to the backward pass, so that nothing trains without it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Optional, Union

from ffl_plugin.patching import pattern
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import Statement
from ffl_plugin.patching.scope import Function
from ffl_plugin.patching.source import Source

_SHOWING = frozenset({"print", "float", "str", "repr", "format", "len", "isinstance", "round", "getattr"})


def require_effect(source: Source, function: Function, anchor: ast.stmt, edit: Statement) -> None:
    """Refuse a statement after an anchor where what it does would be lost or undone.

    Raises:
        PatchError: naming the line that goes without it.
    """
    if edit.feeds is not None:
        _require_not_left_before(source, function, anchor, edit.feeds)
        _require_not_bound_again(source, function, anchor, edit.feeds)
        _require_used(source, function, anchor, edit.feeds)
    for wanted in edit.follows:
        for node in pattern.occurrences(wanted, function):
            if _is_later(source, node, anchor):
                raise PatchError(
                    f"`{source.first_line_of(node)}` comes after `{source.first_line_of(anchor)}`, "
                    "and would undo what the patch does there",
                    file=source.name,
                    line=node.lineno,
                )


def _require_not_left_before(source: Source, function: Function, anchor: ast.stmt, carrier: str) -> None:
    """A branch above the anchor that makes the loss and returns goes without the term."""
    for branch in ast.walk(function):
        for block in _blocks(branch):
            leaves = next((node for node in block if isinstance(node, ast.Return)), None)
            if leaves is None or _is_later(source, leaves, anchor) or block is function.body:
                continue
            if any(name == carrier for node in block for name, _ in _stored(node)):
                raise PatchError(
                    f"returns with {carrier} of its own, which would go without the term",
                    file=source.name,
                    line=leaves.lineno,
                )


def _require_not_bound_again(source: Source, function: Function, anchor: ast.stmt, carrier: str) -> None:
    for name, node in _stored(function):
        if name == carrier and not isinstance(node, ast.Subscript) and _is_later(source, node, anchor):
            raise PatchError(
                f"{carrier} is bound again after `{source.first_line_of(anchor)}`, so a term added there "
                "would get lost",
                file=source.name,
                line=node.lineno,
            )


def _require_used(source: Source, function: Function, anchor: ast.stmt, carrier: str) -> None:
    """The carrier must be backpropagated, handed on or returned; if nothing is, another function reads it."""
    if _reaches_an_end(source, function, carrier, source.end_of(anchor)):
        return
    backward = next(
        (node for node in ast.walk(function) if isinstance(node, ast.Call) and _is_backward(node)), None
    )
    if backward is None and "." in carrier:
        inside = {id(node) for node in ast.walk(function)}
        if any(_names(node) == carrier and id(node) not in inside for node in source.nodes):
            return
    because = ""
    if backward is not None and not _mentions(backward, {carrier}):
        because = f" (line {backward.lineno} backpropagates something else)"
    raise PatchError(
        f"does not use {carrier} after `{source.first_line_of(anchor)}`{because}, so a term added there "
        "would get lost",
        file=source.name,
        line=anchor.lineno,
    )


def _reaches_an_end(source: Source, function: Function, carrier: str, start: tuple[int, int]) -> bool:
    """Follow a value down a function through assignments and containers, to where it is used up."""
    carriers = {carrier}
    nodes = [node for node in ast.walk(function) if isinstance(node, (ast.stmt, ast.Call, ast.withitem))]
    for node in sorted(nodes, key=_place):
        if _place(node) < start or not _mentions(node, carriers):
            continue
        if isinstance(node, ast.Return) or (
            isinstance(node, ast.Call) and (_is_backward(node) or _hands_on(node, carriers))
        ):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            receiver = getattr(node.value.func, "value", None)  # losses.append(loss)
            carriers.update(name for name in [_names(receiver)] if name is not None)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.withitem)):
            carriers.update(name for name, _ in _stored(node))
    return False


def _hands_on(call: ast.Call, carriers: set[str]) -> bool:
    """Whether a method of the object, or a function that is not one for showing, is given a carrier."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not any(_mentions(argument, carriers) for argument in given):
        return False
    name = _names(call.func)
    return name is not None and (name.startswith("self.") or "." not in name) and name not in _SHOWING


def _is_backward(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] == "backward"


def _mentions(root: ast.AST, carriers: set[str]) -> bool:
    return any(_names(node) in carriers for node in ast.walk(root))


def _names(node: object) -> Optional[str]:
    """The dotted name that a node is; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _names(node.value)) is not None:
        return f"{owner}.{node.attr}"
    return None


def _stored(root: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield every name that is bound below a node; an element stands for its container."""
    for node in ast.walk(root):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            inner = node
            while isinstance(inner, (ast.Subscript, ast.Starred)):
                inner = inner.value
            name = _names(inner)
            if name is not None and isinstance(node, ast.expr):
                yield name, node


def _blocks(node: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value


def _is_later(source: Source, node: Union[ast.expr, ast.stmt], anchor: ast.stmt) -> bool:
    return source.start_of(node) > source.end_of(anchor)


def _place(node: ast.AST) -> tuple[int, int]:
    place = node.context_expr if isinstance(node, ast.withitem) else node
    return place.lineno, place.col_offset  # type: ignore[attr-defined]
