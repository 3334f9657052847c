"""Refuses a class in which a second method computes the loss and trains with it, without the term."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Optional

from ffl_plugin.patches._flow import calls, dotted_name, is_backward, mentions, stored
from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.source import FUNCTIONS, WITH, Function, Scope, Source, owner_of

_WITHOUT_GRADIENT = ("no_grad", "inference_mode")


def refuse_second_training(source: Source, clone: Clone, function: Scope, carrier: str) -> None:
    """Refuse a method or closure that also computes the loss and trains with it.

    Args:
        source: the file.
        clone: the clone, to find callers.
        function: the patched method.
        carrier: the attribute of the loss, such as ``self.loss_G``; a variable of that name also counts.

    Raises:
        PatchError: naming the method.
    """
    owner = owner_of(source, function)
    for other, outer in _functions(owner if owner is not None else source.tree):
        if function in (other, outer) or any(node is other for node in ast.walk(function)):
            continue
        made = _makes(other, carrier, getattr(function, "name", ""))
        if made is not None and _is_trained(other, carrier, source) and _is_called(other, source, clone):
            where = other.name if outer is None else f"{other.name}, in {outer.name},"
            raise PatchError(
                f"{where} also computes {ast.unparse(made)} and trains with it, and would omit the term",
                file=source.name,
                line=made.lineno,
            )


def _functions(root: ast.AST) -> Iterator[tuple[Function, Optional[Function]]]:
    """Yield each function below a node, with the outermost function that contains it."""
    for node in ast.iter_child_nodes(root):
        if isinstance(node, FUNCTIONS):
            yield node, None
            yield from ((inner, outer or node) for inner, outer in _functions(node))
        else:
            yield from _functions(node)


def _own_nodes(function: Function) -> list[ast.AST]:
    """Return the nodes of a function, except those of nested functions."""
    inside = {id(node) for inner, _ in _functions(function) for node in ast.walk(inner)}
    return [node for node in ast.walk(function) if id(node) not in inside]


def _makes(function: Function, carrier: str, patched: str) -> Optional[ast.expr]:
    """Return where a function binds the loss to a value not computed from it or by the patched method."""
    if any(_is_without_gradient(decorator) for decorator in function.decorator_list):
        return None
    names = {carrier, carrier.rpartition(".")[2]}
    for node in _own_nodes(function):
        if isinstance(node, WITH) and any(map(_is_without_gradient, node.items)):
            return None
        if isinstance(node, ast.Assign) and not mentions(node.value, names) and not _calls(node, patched):
            for name, target in stored(node):
                if name in names and not isinstance(target, ast.Subscript):
                    return target
    return None


def _calls(node: ast.AST, name: str) -> bool:
    return any((dotted_name(call.func) or "").rpartition(".")[2] == name for call in calls([node]))


def _is_without_gradient(node: ast.AST) -> bool:
    return any(name in ast.unparse(node) for name in _WITHOUT_GRADIENT)


def _is_trained(function: Function, carrier: str, source: Source) -> bool:
    """Whether a function backpropagates the loss, or returns it to one that does."""
    own = _own_nodes(function)
    names = {carrier, carrier.rpartition(".")[2]}
    if any(isinstance(node, ast.Call) and is_backward(node) and mentions(node, names) for node in own):
        return True
    if not any(isinstance(node, ast.Return) and mentions(node, {carrier}) for node in own):
        return False
    users = [
        user
        for user, _ in _functions(source.tree)
        if user is not function and any(_names(node, function.name) for node in _own_nodes(user))
    ]
    return any(_trains(node) for user in users for node in _own_nodes(user))


def _trains(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and (is_backward(node) or getattr(node.func, "attr", "") == "step")


def _is_called(function: Function, source: Source, clone: Clone) -> bool:
    inside = {id(node) for node in ast.walk(function)}
    if any(_names(node, function.name) and id(node) not in inside for node in source.nodes):
        return True
    name = function.name.encode()
    return any(name in clone.read(other) for other in clone.python_files if other != source.name)


def _names(node: ast.AST, name: str) -> bool:
    dotted = (
        dotted_name(node) if isinstance(node, (ast.Name, ast.Attribute)) else getattr(node, "value", None)
    )
    return isinstance(dotted, str) and dotted.rpartition(".")[2] == name
