"""The names that edits bring into a file, and where a file mentions them or another Focal Frequency Loss."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from ffl_plugin.patching.recipe import Edit, Import, Param

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NAME_LIKE = re.compile(r"[-.\w]{1,60}")


class Mention(NamedTuple):
    """A name, or a string that looks like one, at a line of the file."""

    line: int
    text: str


@functools.cache
def parse_edit(edit: Edit) -> ast.stmt:
    """Return the tree of an edit's code: a parameter as a function with it, a decorator as an expression."""
    code = f"def _({edit.code}): ..." if isinstance(edit, Param) else edit.code
    (statement,) = ast.parse(code).body
    return statement


@functools.cache
def introduced_names(edits: tuple[Edit, ...]) -> frozenset[str]:
    """Return the names that edits bind before anything in them reads the name: what they add to the file.

    An attribute counts with its object (``"self.ffl"``), an import with its module.
    """
    introduced: set[str] = set()
    for edit in edits:
        node = parse_edit(edit)
        if isinstance(edit, Import):
            names = {name for _, name in _identifiers(node)}
            introduced |= {node.module or ""} if edit.rebinds and isinstance(node, ast.ImportFrom) else names
        elif isinstance(edit, Param):
            introduced.update(argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg))
        else:
            introduced |= _used(node, ast.Store) - _used(node, ast.Load)
    return frozenset(introduced)


def names_read(edit: Edit) -> set[str]:
    """Return what the code of a statement or decorator reads: plain names, and attributes of ``self``."""
    if isinstance(edit, (Import, Param)):
        return set()
    return {name for name in _used(parse_edit(edit), ast.Load) if name.count(".") == name.startswith("self.")}


def mentions(root: ast.AST, names: frozenset[str], skip: frozenset[int] = frozenset()) -> Iterator[Mention]:
    """Yield each use of one of the names: a variable, attribute, parameter, keyword, import or definition.

    Args:
        root: where to look.
        names: as `introduced_names` returns them.
        skip: ``id`` of the nodes not to look into.
    """
    for node, name in _identifiers(root, skip):
        if name in names:
            yield Mention(_line(node), name)


def foreign_ffl(root: ast.AST) -> Iterator[Mention]:
    """Yield each identifier, option or loss name that speaks of a Focal Frequency Loss.

    A module below our integrations is none: supplements import such, and put no loss anywhere.
    """
    for node, name in _identifiers(root):
        if _speaks_of_ffl(name) and not name.startswith("ffl_plugin.integrations."):
            yield Mention(_line(node), name)
    for node in ast.walk(root):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and _NAME_LIKE.fullmatch(text) and _speaks_of_ffl(text):
            yield Mention(_line(node), repr(text))


def _speaks_of_ffl(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    return "ffl" in words or ("focal" in words and any(word.startswith("freq") for word in words))


def _used(root: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Plain names and dotted attributes in a context; a target of ``+=`` is read as well as stored."""
    found = set()
    for node in ast.walk(root):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, context):
            found.add(ast.unparse(node))
        if isinstance(node, ast.AugAssign):
            found.add(ast.unparse(node.target))
    return found


def _walk(node: ast.AST, skip: frozenset[int]) -> Iterator[ast.AST]:
    if id(node) not in skip:
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, skip)


def _identifiers(root: ast.AST, skip: frozenset[int] = frozenset()) -> Iterator[tuple[ast.AST, str]]:
    for node in _walk(root, skip):
        if isinstance(node, ast.Name):
            yield node, node.id
        elif isinstance(node, ast.Attribute):
            yield node, ast.unparse(node) if isinstance(node.value, ast.Name) else node.attr
        elif isinstance(node, (ast.arg, ast.keyword)) and node.arg is not None:
            yield node, node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node, node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield node, alias.asname or alias.name
            if isinstance(node, ast.ImportFrom) and node.module:
                yield node, node.module


def _line(node: ast.AST) -> int:
    line: int = node.lineno  # type: ignore[attr-defined]
    return line
