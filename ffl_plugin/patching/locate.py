"""Resolves an anchor to exactly one statement, or refuses with the candidates."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Optional

from ffl_plugin.patching import pattern
from ffl_plugin.patching.errors import PatchError, lines_text
from ffl_plugin.patching.recipe import Anchor, Last, Only
from ffl_plugin.patching.source import (
    DEFINITIONS,
    LEAVES_BLOCK,
    LOOPS,
    WITH,
    Scope,
    Source,
    blocks_of,
    find_function,
    find_scope,
)


def find_statement(source: Source, function_name: str, anchor: Anchor) -> ast.stmt:
    """Return the statement of a function, or of the module for the empty name, that an anchor identifies.

    Raises:
        PatchError: no match, several, one inside a branch, or one that never runs.
    """
    scope, name = find_scope(source, function_name), _name(function_name)
    if not scope.body:
        raise _expected_one(source, f"statement in {name}", [], 1)
    block = find_block(source, function_name, anchor)
    if isinstance(anchor, Only):
        statement = _only(source, name, block, anchor)
    else:
        statement = _last(source, name, block, anchor)
    _require_reachable(source, scope, statement)
    return statement


def find_block(source: Source, function_name: str, anchor: Anchor) -> Sequence[ast.stmt]:
    """Return the block that an anchor searches: the function's body, or the anchor's branch in it.

    Loops are entered first.

    Raises:
        PatchError: no branch contains the anchor's pattern, or several do.
    """
    scope, name, branch = find_scope(source, function_name), _name(function_name), anchor.branch
    block: Sequence[ast.stmt] = scope.body
    if branch is None:
        return block
    parsed = pattern.parse(branch)
    while True:
        # By block: the line of its first match, the statement that it belongs to, and the block.
        found: dict[int, tuple[int, ast.stmt, Sequence[ast.stmt]]] = {}
        for statement in straight_line(block):
            for part in _branches(statement) or [[statement]]:
                inner = part if blocks_of(statement) else block
                lines = [node.lineno for node in _nested(part) if pattern.matches(parsed, node)]
                if lines:
                    found.setdefault(id(inner), (lines[0], statement, inner))
        if block is not scope.body and id(block) in found:
            return block
        if len(found) != 1:
            lines = sorted(line for line, _, _ in found.values())
            raise _expected_one(source, f"branch with `{branch}` in {name}", lines, scope.body[0].lineno)
        ((_, statement, inner),) = found.values()
        if inner is block or not isinstance(statement, LOOPS):
            return inner
        block = inner


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
        raise _expected_one(source, what, [node.lineno for node in found], function.lineno)
    return found[0]


def straight_line(block: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a block, descending into those that always run.

    These are ``with``, ``if True`` and ``if __name__ == "__main__"``.
    """
    for statement in block:
        if isinstance(statement, WITH) or (
            isinstance(statement, ast.If) and not statement.orelse and _is_taken(statement.test)
        ):
            yield from straight_line(statement.body)
        else:
            yield statement


def path_to(block: Sequence[ast.stmt], target: ast.stmt) -> list[tuple[Sequence[ast.stmt], ast.stmt]]:
    """Return the nested (block, statement) pairs from a block down to a statement; empty if not inside."""
    for statement in block:
        if statement is target:
            return [(block, statement)]
        for inner in blocks_of(statement):
            if below := path_to(inner, target):
                return [(block, statement), *below]
    return []


def _is_taken(test: ast.expr) -> bool:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    return pattern.matches(pattern.parse("__name__ == '__main__'"), test)


def _branches(statement: ast.stmt) -> list[list[ast.stmt]]:
    """Return the statement lists below a statement, each ``elif`` as its own branch."""
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
            lines = [node.lineno for node in found]
            raise _expected_one(source, f"`{wanted}` in {name}", lines, block[0].lineno)
        if found:
            if found[0] not in straight:
                raise PatchError(
                    f"`{wanted}` in {name} runs in one branch only", file=source.name, line=found[0].lineno
                )
            return found[0]
    raise _expected_one(source, f"{_alternatives(anchor.patterns)} in {name}", [], block[0].lineno)


def _split(
    straight: Sequence[ast.stmt], patterns: Sequence[str], found: Sequence[ast.stmt]
) -> Optional[ast.stmt]:
    """Return the ``if`` that contains all matches and runs exactly one of them on every path."""
    wanted = [pattern.parse(text) for text in patterns]
    for statement in straight:
        if isinstance(statement, ast.If) and found[0] in _nested([statement]):
            inside = _nested([statement])
            return statement if _either_way(statement, wanted) and all(n in inside for n in found) else None
    return None


def _either_way(statement: ast.If, wanted: Sequence[pattern.Node]) -> bool:
    return _once(statement.body, wanted) and _once(statement.orelse, wanted)


def _once(block: Sequence[ast.stmt], wanted: Sequence[pattern.Node]) -> bool:
    """Whether a block runs exactly one match and does not rebind its targets afterwards, or always raises."""
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
    end = None if anchor.above is None else _only(source, name, block, anchor.above)
    for statement in straight_line(block):
        if statement is end:
            break
        not_counted = {id(node) for text in anchor.unless for node in pattern.occurrences(text, statement)}
        found = (node for wanted in anchor.patterns for node in pattern.occurrences(wanted, statement))
        if any(id(node) not in not_counted for node in found):
            last = statement
    if last is None:
        above = "" if end is None else f" above line {end.lineno}"
        raise PatchError(
            f"there is no {_alternatives(anchor.patterns)} in {name}{above}",
            file=source.name,
            line=block[0].lineno,
        )
    return last


def _nested(block: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return all statements of a block at any depth, except those of nested functions and classes."""
    found: list[ast.stmt] = []
    for statement in block:
        found.append(statement)
        if not isinstance(statement, DEFINITIONS):
            for inner in blocks_of(statement):
                found.extend(_nested(inner))
    return found


def _name(function_name: str) -> str:
    return function_name or "the module's top level"


def _alternatives(patterns: Sequence[str]) -> str:
    return " or ".join(f"`{text}`" for text in patterns)


def _expected_one(source: Source, what: str, lines: list[int], near: int) -> PatchError:
    if not lines:
        return PatchError(f"there is no {what}", file=source.name, line=near)
    return PatchError(
        f"expected exactly one {what}, found {len(lines)} ({lines_text(lines)})", file=source.name
    )


def _require_reachable(source: Source, scope: Scope, target: ast.stmt) -> None:
    """Refuse a statement that never runs.

    Raises:
        PatchError: it follows a ``return`` or the like, or its branch is never taken.
    """
    for block, statement in path_to(scope.body, target):
        for earlier in block:
            if earlier is statement:
                break
            if isinstance(earlier, LEAVES_BLOCK):
                raise PatchError(
                    f"`{source.first_line_of(target)}` is unreachable because of line {earlier.lineno}",
                    file=source.name,
                    line=target.lineno,
                )
        if isinstance(statement, (ast.If, ast.While)) and isinstance(statement.test, ast.Constant):
            in_body = any(target is node for part in statement.body for node in ast.walk(part))
            if bool(statement.test.value) != in_body and statement is not target:
                raise PatchError(
                    f"`{source.first_line_of(target)}` is unreachable because of line {statement.lineno}",
                    file=source.name,
                    line=target.lineno,
                )
