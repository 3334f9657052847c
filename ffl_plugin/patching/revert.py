"""Revert and upgrade: what is written when recipes are taken out again, computed and proved before it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Union

from ffl_plugin.patching.apply import (
    Plan,
    changes_between,
    edition_in,
    partly_applied,
    title,
    with_edits,
)
from ffl_plugin.patching.clone import Clone, opened
from ffl_plugin.patching.errors import PatchError, command_line, lines_text
from ffl_plugin.patching.recipe import Import, Recipe
from ffl_plugin.patching.rewrite import comments_in, take_out
from ffl_plugin.patching.search import find_patched
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.trace import Trace, trace


def plan_revert(recipe: Recipe, root: Union[Path, Clone], *others: Recipe) -> Plan:
    """Compute and prove what taking a recipe, and others, out again writes; no changes when nothing is there.

    Raises:
        PatchError: a piece of a patch was edited, or the user's code builds on it.
    """
    clone = opened(root)
    before, notes = clone, [*clone.notes]
    for each in (*reversed(others), recipe):  # as apply has put them in, the last one first
        clone, said = _without_edits(clone, edition_in(each, clone).recipe)
        notes += said
    return Plan(recipe, clone.root, changes_between(before, clone), tuple(notes))


def plan_upgrade(recipe: Recipe, root: Union[Path, Clone]) -> Plan:
    """Compute and prove what replacing an earlier edition of a recipe by this one writes.

    Raises:
        PatchError: no edition is applied, or only part of one.
    """
    clone = opened(root)
    current = edition_in(recipe, clone)
    if current.state == "partly applied":
        raise partly_applied(current, clone)
    if current.state == "absent":
        step = f"run `{command_line(f'apply {recipe.name}', clone.root)}`"
        raise PatchError(f"{recipe.name} is not applied in {clone.title}", next_step=step)
    if current.recipe.edition == recipe.edition:
        return Plan(recipe, clone.root, (), clone.notes)
    removed, notes = _without_edits(clone, current.recipe)
    changes = changes_between(clone, with_edits(removed, recipe.adapted(removed)))
    return Plan(recipe, clone.root, changes, (*clone.notes, *notes))


def _without_edits(clone: Clone, recipe: Recipe) -> tuple[Clone, list[str]]:
    """The clone without a recipe, and sentences about what is not as the patch left it."""
    paths, copies = find_patched(clone, recipe)
    notes = [f"{name} holds a copy of the patch, and was left alone" for name in copies]
    changes = {}
    for file in recipe.files:
        if file.path not in paths:
            gone = bool(paths) and (not file.optional or clone.defines(file.path, file.holds))
            notes += [f"{file.path} holds nothing of the patch any more"] if gone else []
            continue
        source = clone.source(paths[file.path])
        present = trace(source, file.edits)
        _require_in_one_file(clone, present, source, copies)
        for edit, nodes in present.found:
            if len(nodes) > 1:
                raise PatchError(
                    f"holds `{title(edit)}` more than once ({lines_text([found.line for found in nodes])})",
                    file=source.name,
                    next_step="delete all but one by hand, then revert",
                )
            notes += [] if nodes else [f"{source.name}: `{title(edit)}` was gone already"]
        if lines := comments_in(source, present.nodes):
            notes.append(f"{source.name}: a comment goes with the patch's lines ({lines_text(lines)})")
        changes[source.name] = take_out(source, file.edits)
    return clone.with_changes(changes), notes


def _require_in_one_file(clone: Clone, present: Trace, source: Source, copies: Sequence[str]) -> None:
    """Refuse where all but the import has moved on to another file, which would be left patched."""
    moved = tuple(edit for edit, nodes in present.found if not nodes)
    if not moved or any(nodes for edit, nodes in present.found if not isinstance(edit, Import)):
        return
    for name in copies:
        if nodes := trace(clone.source(name), moved).nodes:
            raise PatchError(
                f"holds `{title(nodes[0].edit)}`, which {source.name} has no more",
                file=name,
                line=nodes[0].line,
                next_step=f"delete our import in {source.name}, then revert",
            )
