"""Checks that a launcher's training loop passes arguments that the loss accepts."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ffl_plugin.patches._flow import calls, dotted_name
from ffl_plugin.patches._launcher import LOSS_FILE
from ffl_plugin.patching import Clone, PatchError, Source
from ffl_plugin.patching.recipe import Check
from ffl_plugin.patching.source import Function, find_function

_LOOP = "training/training_loop.py"


def loop_fits_loss(loss: str, usual: Sequence[str]) -> Check:
    """Refuse if the loss does not accept the arguments that the training loop passes.

    Args:
        loss: its class, in `LOSS_FILE`.
        usual: arguments of the upstream's loop; used if there is no loop beside the launcher.
    """

    def check(source: Source, clone: Clone) -> None:
        path = clone.files[LOSS_FILE]
        constructor = find_function(clone.source(path), f"{loss}.__init__")
        given = _given_beside(source, clone) or list(usual)
        unknown = [name for name in given if name not in _taken(constructor)]
        if unknown and constructor.args.kwarg is None:
            raise PatchError(
                f"has a training loop that passes {unknown[0]}, which {loss} of {path} does not accept: they "
                "are from different repositories",
                file=source.name,
            )

    return check


def _taken(constructor: Function) -> set[str]:
    arguments = constructor.args
    return {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def _given_beside(source: Source, clone: Clone) -> list[str]:
    """Return the arguments with which the loop beside a launcher creates its loss; empty if unreadable."""
    folder = source.name.rpartition("/")[0]
    name = f"{folder}/{_LOOP}" if folder else _LOOP
    if not clone.has(name):
        return []
    try:
        loop = clone.source(name)
    except PatchError:
        return []
    return [given for call in _constructions(loop) for given in _arguments(call, loop)]


def _constructions(loop: Source) -> Iterator[ast.Call]:
    """Yield the calls with ``**loss_kwargs``."""
    for call in calls([loop.tree]):
        if any(
            keyword.arg is None and dotted_name(keyword.value) == "loss_kwargs" for keyword in call.keywords
        ):
            yield call


def _arguments(call: ast.Call, loop: Source) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg
        elif (collected := dotted_name(keyword.value)) not in (None, "loss_kwargs"):
            yield from _collected(str(collected), loop)


def _collected(name: str, loop: Source) -> Iterator[str]:
    """Yield the keys assigned to a dict, individually or in a loop over names."""
    for node in loop.nodes:
        for key in _keys(node, name):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value
        if isinstance(node, ast.For) and isinstance(node.iter, (ast.List, ast.Tuple)):
            inside = [key for inner in ast.walk(node) for key in _keys(inner, name)]
            variables = {key.id for key in inside if isinstance(key, ast.Name)}
            yield from _given_to(variables, node.target, node.iter.elts)


def _keys(node: ast.AST, name: str) -> list[ast.expr]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    found = [target for target in targets if isinstance(target, ast.Subscript)]
    return [target.slice for target in found if dotted_name(target.value) == name]


def _given_to(variables: set[str], target: ast.expr, elements: Sequence[ast.expr]) -> Iterator[str]:
    """Yield the strings that a loop over elements binds to given variables."""
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    for element in elements:
        values = element.elts if isinstance(element, (ast.Tuple, ast.List)) else [element]
        for bound, value in zip(targets, values):
            string = value.value if isinstance(value, ast.Constant) else None
            if isinstance(string, str) and isinstance(bound, ast.Name) and bound.id in variables:
                yield string
