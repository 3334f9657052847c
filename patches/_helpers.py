"""Helper methods: methods used by a single other method, of which they count as a part."""

from __future__ import annotations

import ast
import re
from typing import Optional

from ffl_plugin.patching import Clone, Source
from ffl_plugin.patching.source import FUNCTIONS, Function, owner_of


def helpers_of(source: Source, function: Function, clone: Clone) -> list[Function]:
    """Return the methods of a method's class that only it uses.

    A use in a branch for an unused mode, ``if mode == 'word'``, does not count.
    """
    owner = owner_of(source, function)
    inside = {id(node) for node in ast.walk(function)}
    unused = _in_unused_modes(source, clone)
    found = []
    for method in owner.body if owner is not None else ():
        if not isinstance(method, FUNCTIONS) or method is function:
            continue
        uses = {id(node) for node in source.nodes if _mentions(node, method.name)}
        if uses & inside and uses <= inside | unused and not _occurs_elsewhere(method.name, source, clone):
            found.append(method)
    return found


def _mentions(node: ast.AST, name: str) -> bool:
    return name in (getattr(node, "attr", None), getattr(node, "value", None))


def _in_unused_modes(source: Source, clone: Clone) -> set[int]:
    """Return the nodes of branches ``if mode == 'word'`` whose word occurs nowhere else in the clone."""
    branches = [(node, _mode(node.test)) for node in source.nodes if isinstance(node, ast.If)]
    return {
        id(node)
        for branch, word in branches
        if word is not None and _times_quoted(word, clone) == 1
        for statement in branch.body
        for node in ast.walk(statement)
    }


def _mode(test: ast.expr) -> Optional[str]:
    """Return the string that a test compares with; None for other tests."""
    if isinstance(test, ast.Compare) and [type(operator) for operator in test.ops] == [ast.Eq]:
        for side in (test.left, *test.comparators):
            if isinstance(side, ast.Constant) and isinstance(side.value, str):
                return side.value
    return None


def _times_quoted(word: str, clone: Clone) -> int:
    quoted = re.compile(rb"""["']%s["']""" % re.escape(word.encode()))
    return sum(len(quoted.findall(clone.read(name))) for name in clone.python_files)


def _occurs_elsewhere(name: str, source: Source, clone: Clone) -> bool:
    return any(name.encode() in clone.read(other) for other in clone.python_files if other != source.name)
