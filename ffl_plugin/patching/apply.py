"""Status of a recipe in a clone, and the plan to apply it, computed and verified in memory."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.patching import transaction
from ffl_plugin.patching.clone import Clone, open_clone
from ffl_plugin.patching.errors import PatchError, command_line, english
from ffl_plugin.patching.recipe import Decorator, Edit, Recipe, Version
from ffl_plugin.patching.rewrite import add_edits, require_names_bound
from ffl_plugin.patching.search import find_files, find_patched
from ffl_plugin.patching.source import weak_cache
from ffl_plugin.patching.trace import Found, Mention, introduced_names, names_read, trace
from ffl_plugin.patching.transaction import Change


@dataclass(frozen=True)
class EditStatus:
    """State of one edit, ``"applied"``, ``"absent"``, ``"edited"`` or ``"repeated"``, and its line."""

    edit: Edit
    state: str
    line: Optional[int]


@dataclass(frozen=True)
class FileStatus:
    """State of one of the recipe's files.

    Args:
        path: its path in the recipe.
        name: its path in the clone; None if it is missing.
        edits: its edits, in the recipe's order.
        version: the tested version that its unpatched content matches; None if it has drifted.
    """

    path: str
    name: Optional[str]
    edits: tuple[EditStatus, ...]
    version: Optional[Version] = None


@dataclass(frozen=True)
class Status:
    """State of a recipe in a clone.

    Args:
        recipe: the recipe.
        state: ``"applied"``, ``"absent"`` or ``"partly applied"``.
        files: one entry per file of the recipe.
        copies: further files that contain the patch; revert leaves them alone.
        notes: sentences for the user.
    """

    recipe: Recipe
    state: str
    files: tuple[FileStatus, ...]
    copies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def origin(self) -> Optional[str]:
        """The repository and commits that the unpatched files match; None if one has drifted."""
        versions = {file.version for file in self.files if file.edits}
        known = sorted((version for version in versions if version is not None), key=str)
        return self.recipe.with_repository(known) if len(known) == len(versions) else None


@dataclass(frozen=True)
class Plan:
    """Changes to write; nothing is written yet.

    Args:
        recipe: the recipe.
        root: the folder of the clone.
        changes: one entry per file; empty if there is nothing to do.
        notes: sentences for the user.
    """

    recipe: Recipe
    root: Path
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    def diff(self, *, backwards: bool = False) -> bytes:
        """Return the changes as a unified diff; ``backwards`` swaps old and new."""
        return b"".join(
            _unified_diff(change.name, *((change.new, change.old) if backwards else (change.old, change.new)))
            for change in self.changes
        )

    def write(self) -> None:
        """Write all changes or none, after recovering from an interrupted run.

        Raises:
            PatchError: as `ffl_plugin.patching.transaction.commit`.
        """
        if self.changes or transaction.interrupted(self.root):
            transaction.commit(self.root, self.changes)


def plan_apply(recipe: Recipe, root: Union[Path, Clone], *companions: Recipe) -> Plan:
    """Compute and verify what applying a recipe and companions writes; what is applied already is kept.

    Raises:
        PatchError: the clone does not match, a check refuses, or a recipe is partly applied.
    """
    clone = open_clone(root)
    before, notes = clone, [*clone.notes]
    for each in (recipe, *companions):
        current = installed_status(each, clone)
        if current.state == "partly applied":
            raise partly_applied(current, clone)
        if current.recipe.revision != each.revision:
            raise PatchError(
                f"revision {current.recipe.revision} of {each.name} is applied, {each.revision} is installed",
                next_step=f"run `{command_line(f'upgrade {each.name}', clone.root)}`",
            )
        if current.state == "absent":
            each = each.adapted(clone)
            found = find_files(clone, each)
            absent = [file.path for file in each.files if file.path not in found]
            notes += [f"{path} does not exist, so the {each.name} patch omits it" for path in absent]
            notes += _remarks(each, clone.with_files(found))
            clone = with_edits(clone, each)
    return Plan(recipe, clone.root, changes_between(before, clone), tuple(notes))


def _remarks(recipe: Recipe, clone: Clone) -> list[str]:
    remarks = [
        remark(clone.source(clone.files[file.path]), clone)
        for file in recipe.files
        if file.path in clone.files
        for remark in file.remarks
    ]
    return [sentence for sentence in remarks if sentence is not None]


@weak_cache
def with_edits(clone: Clone, recipe: Recipe) -> Clone:
    """Return a clone with a recipe applied in memory.

    Raises:
        PatchError: it does not match, a check refuses, or the result would not be recognised.
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
            require_names_bound(source, file.edits, clone)
        except PatchError as error:
            raise error.advise(
                f"compare it with {recipe.tested}, which the {recipe.name} recipe was made for"
            ) from None
    changed = clone.with_changes(changes)
    if installed_status(recipe, changed).state != "applied":
        raise PatchError(
            f"the {recipe.name} patch would not be recognised in {clone.title}: this is a bug in ffl-patch",
            next_step="please report it with the names of the files",
        )
    return changed


def changes_between(before: Clone, after: Clone) -> tuple[Change, ...]:
    """Return the changes that turn one state of a clone into another.

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


def installed_status(recipe: Recipe, clone: Clone) -> Status:
    """Return the status of the applied revision of a recipe, or of the newest if none is fully applied.

    Raises:
        Ambiguous: several clones below the folder contain the patch.
    """
    newest, *earlier = adapted(recipe, clone).revisions
    current = _status(newest, clone)
    if current.state == "partly applied":
        for revision in earlier:
            past = _status(revision, clone)
            if past.state == "applied":
                return past
    return current


def adapted(recipe: Recipe, clone: Clone) -> Recipe:
    """Return the recipe with the clone's names, or unchanged if the clone does not match."""
    try:
        return recipe.adapted(clone)
    except PatchError:
        return recipe


def title(edit: Edit) -> str:
    """Return the first line of an edit's code, for messages and tables."""
    return f"{'@' if isinstance(edit, Decorator) else ''}{edit.code.splitlines()[0]}"


def partly_applied(current: Status, clone: Clone) -> PatchError:
    """Return the refusal for a partly applied recipe, listing the edits that are missing or changed."""
    edits = [(file.name or file.path, edit) for file in current.files for edit in file.edits]
    applied = sum(edit.state == "applied" for _, edit in edits)
    other = [
        f"`{title(edit.edit)}` is {edit.state} ({name if edit.line is None else f'{name}:{edit.line}'})"
        for name, edit in edits
        if edit.state != "applied"
    ]
    shown = other if len(other) <= 3 else [*other[:2], f"{len(other) - 2} more differ"]
    name = current.recipe.name
    revert = command_line(f"revert {name}", clone.root)
    return PatchError(
        f"{name} is partly applied: {applied} of {len(edits)} edits, but {english(shown)}",
        next_step=f"run `{revert}` to remove the rest, then apply again",
    )


def _status(recipe: Recipe, clone: Clone) -> Status:
    patched, copies = find_patched(clone, recipe)
    unpatched = {} if len(patched) == len(recipe.files) else _unpatched(clone, recipe)
    files = []
    for file in recipe.files:
        name = patched.get(file.path) or unpatched.get(file.path)
        if file.path in patched:
            present = trace(clone.source(patched[file.path]), file.edits)
            edits = [_edit_status(edit, nodes, present.leftovers) for edit, nodes in present.found]
        else:
            edits = [EditStatus(edit, "absent", None) for edit in file.edits if name or not file.optional]
        files.append(FileStatus(file.path, name, tuple(edits)))
    states = {edit.state for entry in files for edit in entry.edits}
    state = states.pop() if states in ({"applied"}, {"absent"}) else "partly applied"
    return Status(recipe, state, tuple(files), tuple(copies))


def _unpatched(clone: Clone, recipe: Recipe) -> dict[str, str]:
    try:
        return find_files(clone, recipe)
    except PatchError:
        return {}


def _edit_status(edit: Edit, nodes: Sequence[Found], leftovers: Sequence[Mention]) -> EditStatus:
    if len(nodes) == 1:
        return EditStatus(edit, "applied", nodes[0].line)
    if nodes:
        return EditStatus(edit, "repeated", nodes[1].line)
    names = introduced_names((edit,)) | names_read(edit)
    traces = [mention.line for mention in leftovers if mention.text in names]
    return EditStatus(edit, "edited", traces[0]) if traces else EditStatus(edit, "absent", None)


def _unified_diff(name: str, old: bytes, new: bytes) -> bytes:
    """Return a unified diff as read by ``git apply`` and ``patch -p1``."""
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces = difflib.diff_bytes(
        difflib.unified_diff, old_lines, new_lines, f"a/{name}".encode(), f"b/{name}".encode()
    )
    return b"".join(
        piece if piece.endswith(b"\n") else piece + b"\n\\ No newline at end of file\n" for piece in pieces
    )
