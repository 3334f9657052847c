"""Finds branches above a term that train and then exit, and so omit it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ffl_plugin.patches._flow import (
    calls,
    dotted_name,
    is_backward,
    is_later,
    name_of,
    nodes_of_nested,
    stored,
)
from ffl_plugin.patching import PatchError, Source
from ffl_plugin.patching.locate import path_to
from ffl_plugin.patching.source import DEFINITIONS, LOOPS, WITH, Scope, blocks_of


def require_not_left_before(source: Source, function: Scope, anchor: ast.stmt, carrier: str) -> None:
    """Refuse a branch above a statement that computes a loss and returns, or continues an enclosing loop.

    Other phases of a function have their own losses; branches of the statement's phase do not.

    Raises:
        PatchError: naming the line that omits the term.
    """
    nested = nodes_of_nested(function)
    phase = _phase_of(function, anchor)
    loops = [outer for _, outer in path_to(function.body, anchor) if isinstance(outer, LOOPS)]
    leaving = {id(node) for loop in loops for node in _leaves_of(loop)}
    for branch in ast.walk(function):
        for block in blocks_of(branch) if id(branch) not in nested else ():
            leaves = next(
                (node for node in block if isinstance(node, ast.Return) or id(node) in leaving), None
            )
            if leaves is None or is_later(source, leaves, anchor) or block is function.body:
                continue
            if any(name == carrier for node in block for name, _ in stored(node)):
                verb = "returns" if isinstance(leaves, ast.Return) else "continues"
                raise PatchError(
                    f"{verb} with {carrier} of its own, which would omit the term",
                    file=source.name,
                    line=leaves.lineno,
                )
            for call in calls(block):
                if (
                    (is_backward(call) and _is_inside(call, phase))
                    or _trains(source, call, carrier)
                    or (_is_method(call) and _is_inside(call, leaves))
                ):
                    raise PatchError(
                        f"leaves {name_of(function)} before the loss is computed, with "
                        f"`{source.first_line_of(call)}`, which would omit the term",
                        file=source.name,
                        line=call.lineno,
                    )


def _leaves_of(root: ast.AST) -> Iterator[ast.stmt]:
    """Yield each ``continue`` and ``break`` of a loop, except those of nested loops."""
    for block in blocks_of(root):
        for node in block:
            if isinstance(node, (ast.Continue, ast.Break)):
                yield node
            elif not isinstance(node, (*LOOPS, *DEFINITIONS)):
                yield from _leaves_of(node)


def _phase_of(function: Scope, anchor: ast.stmt) -> ast.AST:
    """Return the outermost branch of a function that contains a statement, or else the function."""
    for _, statement in path_to(function.body, anchor):
        if statement is not anchor and not isinstance(statement, WITH):
            return statement
    return function


def _trains(source: Source, call: ast.Call, carrier: str) -> bool:
    """Whether a call is to a method of the object that backpropagates or computes the loss."""
    defined = source.definitions.items() if _is_method(call) else ()
    methods = [node for name, nodes in defined if "." in name for node in nodes]
    return any(
        any(is_backward(inner) for inner in calls([method]))
        or any(name == carrier for name, _ in stored(method))
        for method in methods
        if isinstance(method, ast.FunctionDef) and f"self.{method.name}" == dotted_name(call.func)
    )


def _is_method(call: ast.Call) -> bool:
    return (dotted_name(call.func) or "").startswith("self.")


def _is_inside(node: ast.AST, root: ast.AST) -> bool:
    return any(inner is node for inner in ast.walk(root))
