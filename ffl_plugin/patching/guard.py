"""What must hold in a file before anything is inserted: a recipe's guards, names that are free or bound."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping, Sequence

from ffl_plugin.patching import pattern
from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError, lines_text
from ffl_plugin.patching.helpers import helpers_of
from ffl_plugin.patching.locate import find_block, find_statement
from ffl_plugin.patching.names import foreign_ffl, introduced_names, names_read
from ffl_plugin.patching.recipe import (
    Callers,
    Edit,
    Forbids,
    Guard,
    Requires,
    Statement,
    Trains,
    TwoDimensional,
    Unchanged,
)
from ffl_plugin.patching.scope import DEFINITIONS, definitions, find_definition, find_function, owner_of
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.volumes import module_of_volumes


def refuse_foreign_ffl(source: Source) -> None:
    """Refuse a file that has a Focal Frequency Loss already, or uses its name.

    Raises:
        PatchError: naming the lines.
    """
    found = sorted(set(foreign_ffl(source.tree)))
    if found:
        names = ", ".join(dict.fromkeys(mention.text for mention in found))
        lines = lines_text(sorted({mention.line for mention in found}))
        raise PatchError(
            f"a focal frequency loss of its own is already there ({names}, {lines})",
            file=source.name,
            line=found[0].line,
            next_step="take it out first, or go on using it",
        )


def check_guard(source: Source, guard: Guard, paths: Mapping[str, str], clone: Clone) -> None:
    """Check one guard of a recipe.

    Args:
        source: the file.
        guard: the guard.
        paths: where each of the recipe's files was found in the clone, by the recipe's path.
        clone: the clone, for what stands in other files.

    Raises:
        PatchError: with the guard's own sentence.
    """
    if isinstance(guard, Trains):
        _check_trains(source, guard, paths[guard.file])
    elif isinstance(guard, Callers):
        _check_callers(clone, guard)
    elif isinstance(guard, TwoDimensional):
        _check_two_dimensional(source, clone)
    elif isinstance(guard, Unchanged):
        _check_unchanged(source, guard)
    elif isinstance(guard, Requires):
        scope = _scope(source, guard.scope)
        asked = guard.given is None or _occurrences((guard.given,), scope)
        if asked and not _occurrences(guard.patterns, scope):
            raise PatchError(guard.because, file=source.name, line=getattr(scope, "lineno", None))
    else:
        _check_forbids(source, guard, clone)


def check_names_are_bound(source: Source, edits: tuple[Edit, ...]) -> None:
    """Refuse where inserted code would read a variable or an attribute of ``self`` that nothing binds.

    Raises:
        PatchError: naming it and the function or class.
    """
    introduced = introduced_names(edits)
    for edit in edits:
        if not isinstance(edit, Statement) or (anchor := edit.after or edit.before) is None:
            continue
        function = find_function(source, edit.function)
        owner = owner_of(source, function) or source.tree
        statement = find_statement(source, edit.function, anchor)
        line = source.end_of(statement)[0] if edit.after else statement.lineno
        known = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
        known.update(name for name, bound in _bindings(function) if bound <= line)
        known.update(name for name, _ in _bindings(source.tree, functions=False))
        known.update(name for name, _ in _bindings(owner) if name.startswith("self."))
        for name in sorted(names_read(edit) - introduced - known - set(dir(builtins))):
            where = getattr(owner, "name", "") if name.startswith("self.") else edit.function
            raise PatchError(
                f"{where} does not bind {name}, which the loss needs", file=source.name, line=line
            )


def _occurrences(patterns: Sequence[str], scope: ast.AST) -> list[pattern.Node]:
    found = [node for wanted in patterns for node in pattern.occurrences(wanted, scope)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _check_forbids(source: Source, guard: Forbids, clone: Clone) -> None:
    allowed: set[int] = set()
    if guard.outside is not None:
        function = find_function(source, guard.outside)
        own = (function, *helpers_of(source, function, clone))
        allowed = {id(node) for part in own for node in ast.walk(part)}
    scope = _scope(source, guard.scope)
    allowed |= {id(node) for node in _occurrences(guard.unless, scope)}
    end = None
    if guard.above is not None:
        end = source.start_of(find_statement(source, guard.scope, guard.above))
    for node in _occurrences(guard.patterns, scope):
        if id(node) not in allowed and (end is None or source.start_of(node) < end):
            raise PatchError(
                f"{guard.because} (`{source.first_line_of(node)}`)", file=source.name, line=node.lineno
            )


def _check_unchanged(source: Source, guard: Unchanged) -> None:
    block = find_block(source, guard.function, guard.since)
    start = source.end_of(find_statement(source, guard.function, guard.since))
    nodes = [node for statement in block for node in ast.walk(statement)]
    uses = [source.start_of(node) for statement in block for node in _occurrences(guard.until, statement)]
    end = next((use for use in uses if use > start), start)
    for node in nodes:
        bound = isinstance(node, ast.Name) and node.id == guard.name and isinstance(node.ctx, ast.Store)
        if bound and start < source.start_of(node) < end:
            line = source.start_of(node)[0]
            raise PatchError(f"{guard.name} is bound again before it is used", file=source.name, line=line)


def _check_trains(source: Source, guard: Trains, path: str) -> None:
    named = [
        (node.value, node.lineno)
        for node in source.nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(guard.pattern, node.value)
    ]
    for name, line in named:
        file = f"{name.rpartition('.')[0].replace('.', '/')}.py"  # as seen from the folder of the clone
        folder = path[: -len(file)]
        same_class = name.rpartition(".")[2] == guard.name and f"/{path}".endswith(f"/{file}")
        if not same_class or not source.name.startswith(folder):
            raise PatchError(
                f"trains with {name}, and not only with {guard.name} of {path}", file=source.name, line=line
            )
    if not named:
        raise PatchError(f"does not say that it trains with {guard.name} of {path}", file=source.name)


def _check_callers(clone: Clone, guard: Callers) -> None:
    words = pattern.strings(guard.call)
    for name in clone.python_files:
        if not all(word.encode() in clone.read(name) for word in words):
            continue
        try:
            source = clone.source(name)
        except PatchError:
            continue
        for _, function in definitions(source.tree):
            if isinstance(function, ast.ClassDef) or _occurrences(guard.patterns, function):
                continue
            for call in _occurrences((guard.call,), function)[:1]:
                raise PatchError(guard.because, file=name, line=call.lineno)


def _check_two_dimensional(source: Source, clone: Clone) -> None:
    module = module_of_volumes(source, clone)
    if module is not None:
        raise PatchError(
            f"the images are volumes ({module}, which it uses, convolves in three dimensions only), and the "
            "loss is for (N, C, H, W)",
            file=source.name,
        )


def _scope(source: Source, name: str) -> ast.AST:
    """The function or class of a qualified name; the whole file for the empty one."""
    if not name:
        return source.tree
    return find_definition(source, name)


def _bindings(root: ast.AST, *, functions: bool = True) -> Iterator[tuple[str, int]]:
    """Yield each name and each attribute of ``self`` bound below a node, with its line."""
    for node in ast.iter_child_nodes(root):
        if isinstance(node, DEFINITIONS):
            yield node.name, node.lineno
            if not functions:
                continue
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield ast.unparse(node), node.lineno
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], node.lineno
        yield from _bindings(node, functions=functions)
