"""Apply, revert and upgrade: what is written for a recipe in a clone, computed and proved before it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ffl_plugin.patching import transaction
from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.diff import unified_diff
from ffl_plugin.patching.errors import PatchError, lines_text
from ffl_plugin.patching.guard import check_guard, check_names_are_bound, refuse_foreign_ffl
from ffl_plugin.patching.recipe import Import, Recipe
from ffl_plugin.patching.removal import comments_in
from ffl_plugin.patching.rewrite import add_edits, take_out
from ffl_plugin.patching.search import find_files, find_patched
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.state import edition_in, partly_applied, title
from ffl_plugin.patching.trace import Trace, trace
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
    notes: list[str] = []
    for each in (recipe, *supplements):
        current = edition_in(each, clone)
        if current.state == "partly applied":
            raise partly_applied(current)
        if current.recipe.edition != each.edition:
            raise PatchError(
                f"edition {current.recipe.edition} of {each.name} is applied, {each.edition} is installed",
                next_step="run `ffl-patch upgrade`",
            )
        if current.state == "absent":
            notes += _left_out(each, clone)
            _merge(changes, _additions(each, clone), clone)
            _require_found_again(each, clone)
    return _checked(Plan(recipe, root, tuple(changes.values()), tuple(notes)))


def _require_found_again(recipe: Recipe, clone: Clone) -> None:
    """Refuse what status and revert would not find whole, in a clone that has it in memory."""
    if edition_in(recipe, clone).state != "applied":
        raise PatchError(
            f"the {recipe.name} patch would not be found again in {clone.title}: a defect of ffl-patch",
            next_step="please report it with the names of the files",
        )


def _left_out(recipe: Recipe, clone: Clone) -> list[str]:
    """A sentence for each optional file of a recipe that a clone lacks."""
    paths = find_files(clone, recipe)
    absent = [file.path for file in recipe.files if file.path not in paths]
    return [f"{path} is not there, so the {recipe.name} patch goes without it" for path in absent]


def plan_revert(recipe: Recipe, root: Path) -> Plan:
    """Compute and prove what taking a recipe out again writes; no changes when nothing of it is there.

    Raises:
        PatchError: a piece of the patch was edited, or the user's code builds on it.
    """
    clone = Clone(root)
    return _checked(_removals(edition_in(recipe, clone).recipe, clone))


def plan_upgrade(recipe: Recipe, root: Path) -> Plan:
    """Compute and prove what replacing an earlier edition of a recipe by this one writes.

    Raises:
        PatchError: no edition is applied, or only part of one.
    """
    clone = Clone(root)
    current = edition_in(recipe, clone)
    if current.state == "partly applied":
        raise partly_applied(current)
    if current.state == "absent":
        raise PatchError(f"{recipe.name} is not applied in {clone.title}", next_step="run `ffl-patch apply`")
    if current.recipe.edition == recipe.edition:
        return Plan(recipe, root, ())
    removed = _removals(current.recipe, clone)
    changes: dict[str, Change] = {}
    _merge(changes, removed.changes, clone)
    _merge(changes, _additions(recipe, clone), clone)
    differing = tuple(change for change in changes.values() if change.new != change.old)
    return _checked(Plan(recipe, root, differing, removed.notes))


def _merge(changes: dict[str, Change], further: Sequence[Change], clone: Clone) -> None:
    """Add changes that were computed on top of earlier ones."""
    for change in further:
        earlier = changes.get(change.name)
        changes[change.name] = change if earlier is None else replace(change, old=earlier.old)
        clone.overlay(change.name, change.new)


def _additions(recipe: Recipe, clone: Clone) -> list[Change]:
    paths = find_files(clone, recipe)
    changes = []
    for file in recipe.files:
        if file.path not in paths:
            continue
        source = clone.source(paths[file.path])
        if recipe.supplements is None:
            refuse_foreign_ffl(source)
        try:
            for guard in file.guards:
                check_guard(source, guard, paths, clone)
            new = add_edits(source, file.edits)
            check_names_are_bound(source, file.edits)
        except PatchError as error:
            raise error.advise(
                f"compare it with {recipe.tested}, which the {recipe.name} recipe is for"
            ) from None
        changes.append(Change(source.name, clone.path(source.name), source.data, new))
    return changes


def _removals(recipe: Recipe, clone: Clone) -> Plan:
    paths, copies = find_patched(clone, recipe)
    notes = [f"{name} holds a copy of the patch, and was left alone" for name in copies]
    changes = []
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
        new = take_out(source, file.edits)
        changes.append(Change(source.name, clone.path(source.name), source.data, new))
    return Plan(recipe, clone.root, tuple(changes), tuple(notes))


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


def _checked(plan: Plan) -> Plan:
    for change in plan.changes:
        transaction.check_writable(change)
    return plan
