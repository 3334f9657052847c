"""Patterns: Python source in which ``...`` matches anything.

A pattern is a statement or an expression, compared with the file's syntax tree, so quotes, line breaks,
parentheses and comments are ignored. What ``...`` matches depends on its position:

====================================  ==================================================================
``self.loss_G = ...``                 any expression; also annotated, or as one of several targets
``click.option('--gamma', ...)``      as the last argument of a call: any further arguments, named or not
``gen_img, ... = self.run_G(...)``    as the last element of a tuple or list: any further elements
``{'image': real_img, **...}``        as the last item of a dict: any further items
``if do_Gmain: ...``                  as a statement: any statements (an unspecified ``else`` matches any)
``import jittor as ...``              any alias, and after ``from x import``: any names
``real_img['...']``                   inside quotes: any string
====================================  ==================================================================
"""

from __future__ import annotations

import ast
import functools
import io
import tokenize
from collections.abc import Iterator, Sequence
from typing import Any, Union

from ffl_plugin.patching.source import nodes_of

ANY = "__any__"
_IGNORED_FIELDS = frozenset({"ctx", "type_comment", "kind"})
Node = Union[ast.expr, ast.stmt]


@functools.cache
def parse(pattern: str) -> Node:
    """Parse a pattern: an expression becomes an expression node, anything else a statement node."""
    (statement,) = ast.parse(_name_the_dots(pattern)).body
    return statement.value if isinstance(statement, ast.Expr) else statement


def strings(pattern: str) -> list[str]:
    """Return the string constants in a pattern."""
    constants = [node.value for node in ast.walk(parse(pattern)) if isinstance(node, ast.Constant)]
    return [value for value in constants if isinstance(value, str) and value != "..."]


def occurrences(pattern: str, root: ast.AST) -> Iterator[Node]:
    """Yield every matching node at or below ``root``, in source order."""
    wanted = parse(pattern)
    found = [
        node for node in nodes_of(root) if isinstance(node, (ast.expr, ast.stmt)) and matches(wanted, node)
    ]
    yield from sorted(found, key=lambda node: (node.lineno, node.col_offset))


def matches(pattern: Any, node: Any) -> bool:
    """Whether a node of a parsed pattern matches a node of a file."""
    if _is_dots(pattern):
        return isinstance(node, ast.expr)
    if isinstance(pattern, ast.expr) and isinstance(node, ast.Expr):
        return matches(pattern, node.value)
    if isinstance(pattern, ast.Assign) and isinstance(node, (ast.Assign, ast.AnnAssign)):
        return _assignment_matches(pattern, node)
    if type(pattern) is not type(node):
        return False
    if isinstance(pattern, ast.Constant):
        if pattern.value == "...":
            return isinstance(node.value, str)
        return type(pattern.value) is type(node.value) and bool(pattern.value == node.value)
    if isinstance(pattern, ast.Call):
        return matches(pattern.func, node.func) and _arguments_match(pattern, node)
    if isinstance(pattern, (ast.Tuple, ast.List)):
        return _elements_match(pattern.elts, node.elts)
    if isinstance(pattern, ast.Dict):
        return _items_match(pattern, node)
    if isinstance(pattern, (ast.Import, ast.ImportFrom)):
        return _imports_match(pattern, node)
    return all(
        _fields_match(name, getattr(pattern, name), getattr(node, name))
        for name in pattern._fields
        if name not in _IGNORED_FIELDS
    )


def _assignment_matches(wanted: ast.Assign, present: Union[ast.Assign, ast.AnnAssign]) -> bool:
    targets = present.targets if isinstance(present, ast.Assign) else [present.target]
    if not any(matches(wanted.targets[0], target) for target in targets):
        return False
    return present.value is not None and matches(wanted.value, present.value)


def _fields_match(name: str, wanted: Any, present: Any) -> bool:
    if name == "orelse" and wanted == []:
        return True
    if isinstance(wanted, list):
        return isinstance(present, list) and _sequences_match(wanted, present)
    if isinstance(wanted, ast.AST):
        return matches(wanted, present)
    return bool(wanted == present)


def _sequences_match(wanted: Sequence[Any], present: Sequence[Any]) -> bool:
    if not wanted:
        return not present
    if isinstance(wanted[0], ast.Expr) and _is_dots(wanted[0].value):
        return any(_sequences_match(wanted[1:], present[skip:]) for skip in range(len(present) + 1))
    return bool(present) and matches(wanted[0], present[0]) and _sequences_match(wanted[1:], present[1:])


def _elements_match(wanted: Sequence[ast.expr], present: Sequence[ast.expr]) -> bool:
    if wanted and _is_dots(wanted[-1]):
        wanted, present = wanted[:-1], present[: len(wanted) - 1]
    return len(wanted) == len(present) and all(map(matches, wanted, present))


def _items_match(wanted: ast.Dict, present: ast.Dict) -> bool:
    pairs, items = list(zip(wanted.keys, wanted.values)), list(zip(present.keys, present.values))
    free = bool(pairs) and pairs[-1][0] is None and _is_dots(pairs[-1][1])
    if free:
        pairs, items = pairs[:-1], items[: len(pairs) - 1]
    return len(pairs) == len(items) and all(
        matches(key, there) and matches(value, given) for (key, value), (there, given) in zip(pairs, items)
    )


def _arguments_match(wanted: ast.Call, present: ast.Call) -> bool:
    free = bool(wanted.args) and _is_dots(wanted.args[-1])
    if not _elements_match(wanted.args, present.args):
        return False
    unmatched = list(present.keywords)
    for keyword in wanted.keywords:
        match = next((k for k in unmatched if k.arg == keyword.arg and matches(keyword.value, k.value)), None)
        if match is None:
            return False
        unmatched.remove(match)
    return free or not unmatched


def _imports_match(wanted: Any, present: Any) -> bool:
    if isinstance(wanted, ast.ImportFrom) and (wanted.module, wanted.level) != (
        present.module,
        present.level,
    ):
        return False
    names = {(alias.name, alias.asname) for alias in present.names}
    plain = {name for name, _ in names}
    for alias in wanted.names:
        if alias.name == ANY:
            continue
        if alias.asname in (None, ANY):
            if alias.name not in plain:
                return False
        elif (alias.name, alias.asname) not in names:
            return False
    return True


def _is_dots(node: Any) -> bool:
    return isinstance(node, ast.Name) and node.id == ANY


def _name_the_dots(pattern: str) -> str:
    """Replace each ``...`` by a name, which is also valid as a target, an alias or a statement."""
    lines = pattern.splitlines(keepends=True)
    tokens = [
        t
        for t in tokenize.generate_tokens(io.StringIO(pattern).readline)
        if t.type == tokenize.OP and t.string == "..."
    ]
    for token in reversed(tokens):
        row, column = token.start
        lines[row - 1] = lines[row - 1][:column] + ANY + lines[row - 1][column + 3 :]
    return "".join(lines)
