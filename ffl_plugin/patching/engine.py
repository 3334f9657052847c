"""Apply and revert: what is written for one recipe in one clone, computed and proved before it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ffl_plugin.patching import transaction
from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.diff import unified_diff
from ffl_plugin.patching.errors import PatchError, lines_text
from ffl_plugin.patching.guard import check_guard, check_names_are_bound, refuse_foreign_ffl
from ffl_plugin.patching.recipe import Recipe
from ffl_plugin.patching.rewrite import add_edits, take_out
from ffl_plugin.patching.search import find_files, find_patched
from ffl_plugin.patching.state import partly_applied, status_of, title
from ffl_plugin.patching.trace import trace
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
            unified_diff(change.name, *((change.new, change.old) if backwards else (change.old, change.new)))
            for change in self.changes
        )

    def write(self) -> None:
        """Write all changes or none.

        Raises:
            PatchError: as `ffl_plugin.patching.transaction.commit` does.
        """
        if self.changes:
            transaction.commit(self.root, self.changes)


def plan_apply(recipe: Recipe, root: Path, *supplements: Recipe) -> Plan:
    """Compute and prove what applying a recipe, and supplements to it, writes; what is applied already stays.

    Raises:
        PatchError: the clone does not fit, a guard does not hold, or a recipe is partly applied.
    """
    clone = Clone(root)
    changes: dict[str, Change] = {}
    for each in (recipe, *supplements):
        for change in _additions(each, clone):
            earlier = changes.get(change.name)
            changes[change.name] = change if earlier is None else replace(change, old=earlier.old)
            clone.overlay(change.name, change.new)
    for change in changes.values():
        transaction.check_writable(change)
    return Plan(recipe, root, tuple(changes.values()))


def _additions(recipe: Recipe, clone: Clone) -> list[Change]:
    current = status_of(recipe, clone)
    if current.state == "applied":
        return []
    if current.state == "partly applied":
        raise partly_applied(current)
    paths = find_files(clone, recipe)
    changes = []
    for file in recipe.files:
        name = paths[file.path]
        source = clone.source(name)
        if recipe.supplements is None:
            refuse_foreign_ffl(source)
        for guard in file.guards:
            check_guard(source, guard, paths)
        new = add_edits(source, file.edits)
        check_names_are_bound(source, file.edits)
        changes.append(Change(name, clone.path(name), source.data, new))
    return changes


def plan_revert(recipe: Recipe, root: Path) -> Plan:
    """Compute and prove what taking a recipe out again writes; no changes when nothing of it is there.

    Raises:
        PatchError: a piece of the patch was edited, or the user's code builds on it.
    """
    clone = Clone(root)
    paths, copies = find_patched(clone, recipe)
    notes = [f"{name} holds a copy of the patch, and was left alone" for name in copies]
    changes = []
    for file in recipe.files:
        if file.path not in paths:
            notes += [f"{file.path}: `{title(edit)}` was gone already" for edit in file.edits if paths]
            continue
        name = paths[file.path]
        source = clone.source(name)
        present = trace(source, file.edits)
        for edit, nodes in present.found:
            if len(nodes) > 1:
                raise PatchError(
                    f"holds `{title(edit)}` more than once ({lines_text([found.line for found in nodes])})",
                    file=name,
                    next_step="delete all but one by hand, then revert",
                )
        new = take_out(source, file.edits)
        gone = [title(edit) for edit, nodes in present.found if not nodes]
        notes += [f"{name}: `{what}` was gone already" for what in gone]
        changes.append(Change(name, clone.path(name), source.data, new))
    for change in changes:
        transaction.check_writable(change)
    return Plan(recipe, root, tuple(changes), tuple(notes))
