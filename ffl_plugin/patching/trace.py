"""What is left of a recipe's edits in a file, found by the tree alone.

The identity of an edit is its syntax tree, wherever in the file it stands: no marker comments, no state file.
So the answer is the same after ``black``, a change of line ends, or the user's own edits around it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional, Union

from ffl_plugin.patching.names import Mention, introduced_names, mentions, parse_edit
from ffl_plugin.patching.recipe import Decorator, Edit, Param
from ffl_plugin.patching.scope import Function
from ffl_plugin.patching.signature import parameters
from ffl_plugin.patching.source import Source


@dataclass(frozen=True)
class Found:
    """A node that equals what an edit inserts.

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
    """What a file holds of a recipe.

    Args:
        found: for each edit, in the recipe's order, the nodes equal to it.
        leftovers: other uses of the names the edits bring in: edited pieces, or the user's own code on top.
    """

    found: tuple[tuple[Edit, tuple[Found, ...]], ...]
    leftovers: tuple[Mention, ...]

    @property
    def applied(self) -> bool:
        """Whether every edit is there exactly once."""
        return all(len(nodes) == 1 for _, nodes in self.found)

    @property
    def absent(self) -> bool:
        """Whether nothing of the recipe is there, nor anything else of its names."""
        return not self.leftovers and not self.nodes

    @property
    def nodes(self) -> list[Found]:
        """All nodes found."""
        return [found for _, nodes in self.found for found in nodes]


def trace(source: Source, edits: tuple[Edit, ...]) -> Trace:
    """Look for the nodes of a file's edits, and for other uses of the names they bring in."""
    found = tuple((edit, tuple(_find(source, edit))) for edit in edits)
    ours = frozenset(id(item.node) for _, nodes in found for item in nodes)
    return Trace(found, tuple(sorted(set(mentions(source.tree, introduced_names(edits), ours)))))


def dump_without(tree: ast.Module, found: Sequence[Found]) -> str:
    """Return a dump of a tree without the given nodes of it. The tree is changed."""
    gone = {id(item.node) for item in found}
    for item in found:
        if isinstance(item.edit, Param) and item.owner is not None:
            _drop_default(item.owner.args, item.node)
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, field, [part for part in value if id(part) not in gone])
    return ast.dump(tree)


def _find(source: Source, edit: Edit) -> Iterator[Found]:
    wanted = parse_edit(edit)
    functions = [node for node in source.nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
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


def _drop_default(arguments: ast.arguments, node: ast.AST) -> None:
    """Take away the default of a parameter that is about to go, so that the others keep theirs."""
    positional = [*arguments.posonlyargs, *arguments.args]
    if node in positional:
        del arguments.defaults[positional.index(node) - len(positional)]  # type: ignore[arg-type]
    elif node in arguments.kwonlyargs:
        del arguments.kw_defaults[arguments.kwonlyargs.index(node)]  # type: ignore[arg-type]
