"""Plans to revert and upgrade recipes, computed and verified in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Union

from ffl_plugin.patching.apply import (
    Plan,
    changes_between,
    installed_status,
    partly_applied,
    title,
    with_edits,
)
from ffl_plugin.patching.clone import Clone, open_clone
from ffl_plugin.patching.errors import PatchError, command_line, lines_text
from ffl_plugin.patching.recipe import Import, Recipe
from ffl_plugin.patching.rewrite import comments_in, remove_edits
from ffl_plugin.patching.search import find_patched
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.trace import Trace, trace


def plan_revert(recipe: Recipe, root: Union[Path, Clone], *others: Recipe) -> Plan:
    """Compute and verify what reverting recipes writes; no changes if none is applied.

    Raises:
        PatchError: part of a patch was edited, or other code depends on it.
    """
    clone = open_clone(root)
    before, notes = clone, [*clone.notes]
    for each in (*reversed(others), recipe):  # in reverse order of application
        clone, remarks = _without_edits(clone, installed_status(each, clone).recipe)
        notes += remarks
    return Plan(recipe, clone.root, changes_between(before, clone), tuple(notes))


def plan_upgrade(recipe: Recipe, root: Union[Path, Clone]) -> Plan:
    """Compute and verify what replacing an earlier revision of a recipe by this one writes.

    Raises:
        PatchError: no revision is applied, or only part of one.
    """
    clone = open_clone(root)
    current = installed_status(recipe, clone)
    if current.state == "partly applied":
        raise partly_applied(current, clone)
    if current.state == "absent":
        step = f"run `{command_line(f'apply {recipe.name}', clone.root)}`"
        raise PatchError(f"{recipe.name} is not applied in {clone.title}", next_step=step)
    if current.recipe.revision == recipe.revision:
        return Plan(recipe, clone.root, (), clone.notes)
    removed, notes = _without_edits(clone, current.recipe)
    changes = changes_between(clone, with_edits(removed, recipe.adapted(removed)))
    return Plan(recipe, clone.root, changes, (*clone.notes, *notes))


def _without_edits(clone: Clone, recipe: Recipe) -> tuple[Clone, list[str]]:
    """Return the clone without a recipe, and notes on what differs from the applied patch."""
    paths, copies = find_patched(clone, recipe)
    notes = [f"{name} contains a copy of the patch, which is kept" for name in copies]
    changes = {}
    for file in recipe.files:
        if file.path not in paths:
            gone = bool(paths) and (not file.optional or clone.defines(file.path, file.defines))
            notes += [f"{file.path} no longer contains the patch"] if gone else []
            continue
        source = clone.source(paths[file.path])
        present = trace(source, file.edits)
        _require_in_one_file(clone, present, source, copies)
        for edit, nodes in present.found:
            if len(nodes) > 1:
                lines = lines_text([found.line for found in nodes])
                raise PatchError(
                    f"contains `{title(edit)}` more than once ({lines})",
                    file=source.name,
                    next_step="delete all but one by hand, then revert",
                )
            notes += [] if nodes else [f"{source.name}: `{title(edit)}` was already gone"]
        if removed := comments_in(source, present.nodes):
            notes.append(
                f"{source.name}: a comment is removed with the patch's lines ({lines_text(removed)})"
            )
        changes[source.name] = remove_edits(source, file.edits)
    return clone.with_changes(changes), notes


def _require_in_one_file(clone: Clone, present: Trace, source: Source, copies: Sequence[str]) -> None:
    """Refuse if all edits but the import have moved to another file, which would stay patched."""
    moved = tuple(edit for edit, nodes in present.found if not nodes)
    if not moved or any(nodes for edit, nodes in present.found if not isinstance(edit, Import)):
        return
    for name in copies:
        if nodes := trace(clone.source(name), moved).nodes:
            raise PatchError(
                f"contains `{title(nodes[0].edit)}`, which has moved here from {source.name}",
                file=name,
                line=nodes[0].line,
                next_step=f"delete the ffl_plugin import in {source.name}, then revert",
            )
