"""Apply: what is written for a recipe in a clone, computed and proved before it is."""

from __future__ import annotations

import ast
import builtins
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from ffl_plugin.patching import transaction
from ffl_plugin.patching.clone import Clone, find_files, opened
from ffl_plugin.patching.commands import command_line
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.imports import Definition, classes_above
from ffl_plugin.patching.locate import find_statement
from ffl_plugin.patching.recipe import Edit, Recipe, Statement
from ffl_plugin.patching.rewrite import add_edits
from ffl_plugin.patching.source import DEFINITIONS, Source, find_scope, owner_of
from ffl_plugin.patching.state import edition_in, partly_applied
from ffl_plugin.patching.trace import introduced_names, names_read
from ffl_plugin.patching.transaction import Change


@dataclass(frozen=True)
class Plan:
    """What would be written; nothing has been yet.

    Args:
        recipe: the recipe.
        root: the folder of the clone.
        changes: one entry per file, none when there is nothing to do.
        notes: sentences for the user.
    """

    recipe: Recipe
    root: Path
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    def diff(self, *, backwards: bool = False) -> bytes:
        """Return the changes as a unified diff; ``backwards`` shows what led here instead."""
        return b"".join(
            _unified_diff(change.name, *((change.new, change.old) if backwards else (change.old, change.new)))
            for change in self.changes
        )

    def write(self) -> None:
        """Write all changes or none; what an interrupted run has left is put back first.

        Raises:
            PatchError: as `ffl_plugin.patching.transaction.commit` does.
        """
        if self.changes or transaction.interrupted(self.root):
            transaction.commit(self.root, self.changes)


def plan_apply(recipe: Recipe, root: Union[Path, Clone], *supplements: Recipe) -> Plan:
    """Compute and prove what applying a recipe, and supplements to it, writes; what is applied already stays.

    Raises:
        PatchError: the clone does not fit, a check refuses, or a recipe is partly applied.
    """
    clone = opened(root)
    before, notes = clone, [*clone.notes]
    for each in (recipe, *supplements):
        current = edition_in(each, clone)
        if current.state == "partly applied":
            raise partly_applied(current, clone)
        if current.recipe.edition != each.edition:
            raise PatchError(
                f"edition {current.recipe.edition} of {each.name} is applied, {each.edition} is installed",
                next_step=f"run `{command_line(f'upgrade {each.name}', clone.root)}`",
            )
        if current.state == "absent":
            each = each.adapted(clone)
            there = find_files(clone, each)
            absent = [file.path for file in each.files if file.path not in there]
            notes += [f"{path} is not there, so the {each.name} patch goes without it" for path in absent]
            notes += _remarks(each, clone.with_files(there))
            clone = with_edits(clone, each)
    return Plan(recipe, clone.root, changes_between(before, clone), tuple(notes))


def _remarks(recipe: Recipe, clone: Clone) -> list[str]:
    said = [
        remark(clone.source(clone.files[file.path]), clone)
        for file in recipe.files
        if file.path in clone.files
        for remark in file.remarks
    ]
    return [sentence for sentence in said if sentence is not None]


def with_edits(clone: Clone, recipe: Recipe) -> Clone:
    """Return a clone in which a recipe is applied; nothing is written.

    Raises:
        PatchError: it does not fit, a check refuses, or the result would not be found again.
    """
    files = find_files(clone, recipe)
    changes = {}
    for file in recipe.files:
        if file.path not in files:
            continue
        source = clone.source(files[file.path])
        try:
            for check in (*recipe.checks, *file.checks):
                check(source, clone.with_files(files))
            changes[source.name] = add_edits(source, file.edits)
            _require_names_bound(source, file.edits, clone)
        except PatchError as error:
            raise error.advise(
                f"compare it with {recipe.tested}, which the {recipe.name} recipe is for"
            ) from None
    changed = clone.with_changes(changes)
    if edition_in(recipe, changed).state != "applied":
        raise PatchError(
            f"the {recipe.name} patch would not be found again in {clone.title}: a defect of ffl-patch",
            next_step="please report it with the names of the files",
        )
    return changed


def changes_between(before: Clone, after: Clone) -> tuple[Change, ...]:
    """Return what has to be written, so that a clone becomes another state of it.

    Raises:
        PatchError: a file is read-only.
    """
    changes = []
    for name in after.changed:
        change = Change(name, after.path(name), before.read(name), after.read(name))
        if change.new != change.old:
            transaction.check_writable(change)
            changes.append(change)
    return tuple(changes)


def _unified_diff(name: str, old: bytes, new: bytes) -> bytes:
    """The difference between two versions of a file, in the form ``git apply`` and ``patch -p1`` read."""
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces = difflib.diff_bytes(
        difflib.unified_diff, old_lines, new_lines, f"a/{name}".encode(), f"b/{name}".encode()
    )
    return b"".join(
        piece if piece.endswith(b"\n") else piece + b"\n\\ No newline at end of file\n" for piece in pieces
    )


def _require_names_bound(source: Source, edits: tuple[Edit, ...], clone: Clone) -> None:
    """Refuse where inserted code would read a variable or an attribute of ``self`` that nothing binds."""
    introduced = introduced_names(edits)
    for edit in edits:
        if not isinstance(edit, Statement) or (anchor := edit.after or edit.before) is None:
            continue
        scope = find_scope(source, edit.function)
        statement = find_statement(source, edit.function, anchor)
        line = source.end_of(statement)[0] if edit.after else statement.lineno
        arguments = () if isinstance(scope, ast.Module) else ast.walk(scope.args)
        known = {node.arg for node in arguments if isinstance(node, ast.arg)}
        known.update(name for name, bound in _bindings(scope) if bound <= line)
        known.update(name for name, _ in _bindings(source.tree, functions=False))
        owner = owner_of(source, scope)
        known.update(_attributes(source, owner, clone) if owner is not None else ())
        for name in sorted(names_read(edit) - introduced - known - set(dir(builtins))):
            where = owner.name if owner is not None and name.startswith("self.") else edit.function
            raise PatchError(
                f"{where or 'the module'} does not bind {name}, which the patch needs",
                file=source.name,
                line=line,
            )


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


def _attributes(source: Source, owner: ast.ClassDef, clone: Clone) -> set[str]:
    """The attributes of ``self`` that a class and those it inherits from bind, also in other files."""
    return {
        name
        for definition in classes_above(Definition(source, owner), clone)
        for name, _ in _bindings(definition.node)
        if name.startswith("self.")
    }
