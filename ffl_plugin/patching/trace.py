"""Finds a recipe's edits in a file by its syntax tree.

An edit is identified by its syntax tree, anywhere in the file: no marker comments, no state file. The result
is the same after ``black``, a change of line ends, or other edits by the user.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Union

from ffl_plugin.patching.recipe import Decorator, Edit, Import, Param, alternatives
from ffl_plugin.patching.source import DEFINITIONS, FUNCTIONS, Function, Source, nodes_of, weak_cache


class Mention(NamedTuple):
    """A name, or a string that looks like one, at a line of the file."""

    line: int
    text: str


@functools.cache
def parse_edit(edit: Edit) -> ast.stmt:
    """Return the tree of an edit's code; parameters become a function's, decorators an expression.

    Raises:
        ValueError: the code is not one statement.
    """
    code = f"def _({edit.code}): ..." if isinstance(edit, Param) else edit.code
    statements = ast.parse(code).body
    if len(statements) != 1:
        raise ValueError(
            f"an edit must be one statement, but {edit.code!r} has {len(statements)}; use one edit for each"
        )
    return statements[0]


@functools.cache
def introduced_names(edits: tuple[Edit, ...]) -> frozenset[str]:
    """Return the names that edits bind before reading them: what they add to the file.

    An attribute is included with its object (``"self.ffl"``), an imported name also with its module, since
    another patch may import another name from it. For an import that rebinds names, only the module counts.
    """
    introduced: set[str] = set()
    for edit in edits:
        node = parse_edit(edit)
        if isinstance(edit, Import):
            module = getattr(node, "module", None)
            names = {name for _, name in _identifiers(node)} - {module}
            introduced |= {module} if edit.rebinds and module else names
        elif isinstance(edit, Param):
            introduced.update(argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg))
        else:
            introduced |= _used(node, ast.Store) - _used(node, ast.Load)
    return frozenset(introduced)


def names_read(edit: Edit) -> set[str]:
    """Return the names that a statement or decorator reads: plain names and attributes of ``self``."""
    if isinstance(edit, (Import, Param)):
        return set()
    return {name for name in _used(parse_edit(edit), ast.Load) if name.count(".") == name.startswith("self.")}


@weak_cache
def identifiers(source: Source) -> tuple[tuple[ast.AST, Mention], ...]:
    """Return each use of a name in a file with its node: variable, attribute, keyword, import or definition.

    An attribute of a variable includes the variable (``"self.ffl"``); other attributes do not.
    """
    return tuple((node, Mention(_line(node), name)) for node, name in _identifiers(source.tree))


@dataclass(frozen=True)
class Found:
    """A node equal to an edit's code.

    Args:
        edit: the edit.
        node: the statement, decorator or parameter.
        owner: the function of a decorator or parameter.
    """

    edit: Edit
    node: Union[ast.stmt, ast.expr, ast.arg]
    owner: Optional[Function] = None

    @property
    def line(self) -> int:
        """The 1-based line on which the node starts."""
        return self.node.lineno


@dataclass(frozen=True)
class Trace:
    """The traces of a recipe in a file.

    Args:
        found: for each edit, in the recipe's order, the nodes equal to it.
        leftovers: other uses of the introduced names: edited parts of the patch, or code that depends on it.
    """

    found: tuple[tuple[Edit, tuple[Found, ...]], ...]
    leftovers: tuple[Mention, ...]

    @property
    def applied(self) -> bool:
        """Whether every edit is present exactly once."""
        return all(len(nodes) == 1 for _, nodes in self.found)

    @property
    def nodes(self) -> list[Found]:
        """All nodes found."""
        return [found for _, nodes in self.found for found in nodes]


@weak_cache
def trace(source: Source, edits: tuple[Edit, ...]) -> Trace:
    """Find the nodes of a file's edits, and other uses of the names they introduce."""
    found = tuple((edit, tuple(_find_own(source, edit, edits))) for edit in edits)
    matched = {node for _, nodes in found for item in nodes for node in ast.walk(item.node)}
    names = introduced_names(edits)
    others = {use for node, use in identifiers(source) if use.text in names and node not in matched}
    return Trace(found, tuple(sorted(others)))


def equal_except(old: ast.AST, new: ast.AST, found: Sequence[Found]) -> bool:
    """Whether two trees are equal except for the given nodes of the old one."""
    gone = {id(item.node) for item in found}
    gone |= {id(_default_of(item)) for item in found if isinstance(item.edit, Param)}
    return _same(old, new, gone)


def _find_own(source: Source, edit: Edit, edits: tuple[Edit, ...]) -> Iterator[Found]:
    """Yield the nodes equal to an edit's code; those in its function if another has that code."""
    function = getattr(edit, "function", None)
    if function is None or sum(other.code == edit.code for other in edits) == 1:
        yield from _find(source, edit)
        return
    owners = [node for name in alternatives(function) for node in source.definitions.get(name, ())]
    inside = {node for owner in owners for node in ast.walk(owner)}
    yield from (item for item in _find(source, edit) if item.node in inside)


def _find(source: Source, edit: Edit) -> Iterator[Found]:
    wanted = parse_edit(edit)
    functions = [node for node in source.nodes if isinstance(node, FUNCTIONS)]
    if isinstance(edit, Decorator):
        dump = ast.dump(wanted.value) if isinstance(wanted, ast.Expr) else ""
        for function in functions:
            for decorator in function.decorator_list:
                if ast.dump(decorator) == dump:
                    yield Found(edit, decorator, function)
    elif isinstance(edit, Param) and isinstance(wanted, ast.FunctionDef):
        argument = wanted.args.args[0]
        for function in functions:
            for node, default in parameters(function):
                same = default is not None and ast.dump(default) == ast.dump(wanted.args.defaults[0])
                if same and ast.dump(node) == ast.dump(argument):
                    yield Found(edit, node, function)
    else:
        dump = ast.dump(wanted)
        for statement in source.nodes:
            if isinstance(statement, type(wanted)) and ast.dump(statement) == dump:
                yield Found(edit, statement)


def _default_of(item: Found) -> Optional[ast.expr]:
    known = [] if item.owner is None else parameters(item.owner)
    return next(default for argument, default in known if argument is item.node)


def _same(old: Any, new: Any, gone: set[int]) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        left = [part for part in old if id(part) not in gone]
        return len(left) == len(new) and all(_same(one, other, gone) for one, other in zip(left, new))
    if isinstance(old, ast.AST):
        return type(old) is type(new) and all(
            _same(getattr(old, name, None), getattr(new, name, None), gone) for name in old._fields
        )
    return type(old) is type(new) and bool(old == new)


def parameters(function: Function) -> list[tuple[ast.arg, Optional[ast.expr]]]:
    """Return the parameters of a function, except ``*`` and ``**`` ones, each with its default."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    none: list[Optional[ast.expr]] = [None] * (len(positional) - len(arguments.defaults))
    return [
        *zip(positional, [*none, *arguments.defaults]),
        *zip(arguments.kwonlyargs, arguments.kw_defaults),
    ]


def _used(root: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Return plain names and dotted attributes in a context; a target of ``+=`` is both read and stored."""
    found = set()
    for node in ast.walk(root):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, context):
            found.add(ast.unparse(node))
        if isinstance(node, ast.AugAssign):
            found.add(ast.unparse(node.target))
    return found


def _identifiers(root: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for node in nodes_of(root):
        if isinstance(node, ast.Name):
            yield node, node.id
        elif isinstance(node, ast.Attribute):
            yield node, ast.unparse(node) if isinstance(node.value, ast.Name) else node.attr
        elif isinstance(node, (ast.arg, ast.keyword)) and node.arg is not None:
            yield node, node.arg
        elif isinstance(node, DEFINITIONS):
            yield node, node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield node, alias.asname or alias.name
                if isinstance(node, ast.ImportFrom) and node.module:
                    yield node, f"{node.module}.{alias.name}"
            if isinstance(node, ast.ImportFrom) and node.module:
                yield node, node.module


def _line(node: ast.AST) -> int:
    line: int = node.lineno  # type: ignore[attr-defined]
    return line
