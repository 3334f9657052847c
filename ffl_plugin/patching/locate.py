"""From an anchor to the one statement it names, or a refusal that lists the candidates."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Optional

from ffl_plugin.patching import pattern
from ffl_plugin.patching.errors import PatchError, lines_text
from ffl_plugin.patching.recipe import Anchor, Last, Only
from ffl_plugin.patching.scope import Function, blocks_of, find_function, require_reachable, straight_line
from ffl_plugin.patching.source import Source


def find_statement(source: Source, function_name: str, anchor: Anchor) -> ast.stmt:
    """Return the statement of a function that an anchor names.

    Raises:
        PatchError: no statement, several, one inside a branch, or one that never runs.
    """
    function = find_function(source, function_name)
    block = _block(source, function_name, function, anchor.branch)
    if isinstance(anchor, Only):
        statement = _only(source, function_name, block, anchor)
    else:
        statement = _last(source, function_name, block, anchor)
    require_reachable(source, function, statement)
    return statement


def find_block(source: Source, function_name: str, anchor: Anchor) -> Sequence[ast.stmt]:
    """Return the statements among which an anchor looks: the function's, or those of its branch.

    Raises:
        PatchError: no branch has the anchor's pattern in it, or several have.
    """
    return _block(source, function_name, find_function(source, function_name), anchor.branch)


def find_decorator(source: Source, function_name: str, patterns: Sequence[str]) -> ast.expr:
    """Return the one decorator of a function that any of the patterns matches.

    Raises:
        PatchError: no decorator, or several.
    """
    function = find_function(source, function_name)
    wanted = [pattern.parse(text) for text in patterns]
    found = [node for node in function.decorator_list if any(pattern.matches(one, node) for one in wanted)]
    if len(found) != 1:
        what = f"{_alternatives([f'@{text}' for text in patterns])} on {function_name}"
        raise _not_one(source, what, [node.lineno for node in found], function.lineno)
    return found[0]


def _block(source: Source, name: str, function: Function, branch: Optional[str]) -> Sequence[ast.stmt]:
    """The body of a function, or the branch of a top-level ``if`` in it in which a pattern occurs."""
    if branch is None:
        return function.body
    parsed = pattern.parse(branch)
    found: list[Sequence[ast.stmt]] = []
    for statement in straight_line(function.body):
        for block in _branches(statement) or [[statement]]:
            if any(pattern.matches(parsed, node) for node in _nested(block)):
                found.append(block if blocks_of(statement) else function.body)
    lines = sorted({block[0].lineno for block in found})
    if len(lines) != 1:
        raise _not_one(source, f"branch with `{branch}` in {name}", lines, function.lineno)
    return found[0]


def _branches(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The statement lists below a statement; an ``elif`` is a branch like the ``if``."""
    branches = []
    for block in blocks_of(statement):
        is_elif = isinstance(statement, ast.If) and block is statement.orelse and isinstance(block[0], ast.If)
        branches += _branches(block[0]) if is_elif and len(block) == 1 else [block]
    return branches


def _only(source: Source, name: str, block: Sequence[ast.stmt], anchor: Only) -> ast.stmt:
    straight = list(straight_line(block))
    for wanted in anchor.patterns:
        parsed = pattern.parse(wanted)
        found = [node for node in _nested(block) if pattern.matches(parsed, node)]
        if found and (split := _split(straight, anchor.patterns, found)) is not None:
            return split
        if len(found) > 1:
            raise _not_one(source, f"`{wanted}` in {name}", [node.lineno for node in found], block[0].lineno)
        if found:
            if found[0] not in straight:
                raise PatchError(
                    f"`{wanted}` in {name} runs in one branch only", file=source.name, line=found[0].lineno
                )
            return found[0]
    raise _not_one(source, f"{_alternatives(anchor.patterns)} in {name}", [], block[0].lineno)


def _split(
    straight: Sequence[ast.stmt], patterns: Sequence[str], found: Sequence[ast.stmt]
) -> Optional[ast.stmt]:
    """The ``if`` that holds all that was found, and does it once whichever way it goes."""
    wanted = [pattern.parse(text) for text in patterns]
    for statement in straight:
        if isinstance(statement, ast.If) and found[0] in _nested([statement]):
            inside = _nested([statement])
            return statement if _either_way(statement, wanted) and all(n in inside for n in found) else None
    return None


def _either_way(statement: ast.If, wanted: Sequence[pattern.Node]) -> bool:
    return _once(statement.body, wanted) and _once(statement.orelse, wanted)


def _once(block: Sequence[ast.stmt], wanted: Sequence[pattern.Node]) -> bool:
    """Whether a block has one match and leaves alone what that binds, or does not go on at all."""
    if len(block) == 1 and isinstance(block[0], ast.If):
        return _either_way(block[0], wanted)
    if block and isinstance(block[-1], ast.Raise):
        return True
    nested = _nested(block)
    found = [node for node in nested if any(pattern.matches(one, node) for one in wanted)]
    if len(found) != 1 or found[0] not in list(straight_line(block)):
        return False
    return not any(_bound(found[0]) & _bound(node) for node in nested if node.lineno > found[0].lineno)


def _bound(statement: ast.stmt) -> set[str]:
    nodes = [node for node in ast.walk(statement) if isinstance(getattr(node, "ctx", None), ast.Store)]
    return {ast.unparse(node) for node in nodes}


def _last(source: Source, name: str, block: Sequence[ast.stmt], anchor: Last) -> ast.stmt:
    last: Optional[ast.stmt] = None
    for statement in straight_line(block):
        not_counted = {id(node) for text in anchor.unless for node in pattern.occurrences(text, statement)}
        found = (node for wanted in anchor.patterns for node in pattern.occurrences(wanted, statement))
        if any(id(node) not in not_counted for node in found):
            last = statement
    if last is None:
        raise PatchError(
            f"there is no {_alternatives(anchor.patterns)} in {name}", file=source.name, line=block[0].lineno
        )
    return last


def _nested(block: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Every statement of a block at any depth, except those of nested functions and classes."""
    found: list[ast.stmt] = []
    for statement in block:
        found.append(statement)
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for inner in blocks_of(statement):
                found.extend(_nested(inner))
    return found


def _alternatives(patterns: Sequence[str]) -> str:
    return " or ".join(f"`{text}`" for text in patterns)


def _not_one(source: Source, what: str, lines: list[int], near: int) -> PatchError:
    if not lines:
        return PatchError(f"there is no {what}", file=source.name, line=near)
    return PatchError(
        f"there are {len(lines)} ({lines_text(lines)}) of what there has to be one: {what}", file=source.name
    )
