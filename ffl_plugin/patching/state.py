"""What has become of a recipe in a clone, edit by edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ffl_plugin.patching.blob import known_version
from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError, english
from ffl_plugin.patching.names import Mention, introduced_names, names_read
from ffl_plugin.patching.recipe import Decorator, Edit, File, Recipe
from ffl_plugin.patching.rewrite import take_out
from ffl_plugin.patching.search import find_files, find_patched
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.trace import Found, trace


@dataclass(frozen=True)
class EditStatus:
    """What has become of one edit: ``"applied"``, ``"absent"``, ``"edited"`` or ``"repeated"``, and where."""

    edit: Edit
    state: str
    line: Optional[int]


@dataclass(frozen=True)
class FileStatus:
    """What has become of one of the recipe's files.

    Args:
        path: the recipe's path of it.
        name: where it is in the clone; None if it is not there.
        version: the upstream commit its content without the patch is known from; None if it has drifted.
        edits: its edits, in the recipe's order.
    """

    path: str
    name: Optional[str]
    version: Optional[str]
    edits: tuple[EditStatus, ...]


@dataclass(frozen=True)
class Status:
    """What there is of a recipe in a clone.

    Args:
        recipe: the recipe.
        state: ``"applied"``, ``"absent"`` or ``"partly applied"``.
        files: one entry per file of the recipe.
        copies: further files that hold the patch, which revert leaves alone.
    """

    recipe: Recipe
    state: str
    files: tuple[FileStatus, ...]
    copies: tuple[str, ...] = ()


def status(recipe: Recipe, root: Path, beside: Sequence[Recipe] = ()) -> Status:
    """Say what there is of a recipe, or of an earlier edition of it, in a clone.

    Args:
        recipe: the recipe.
        root: the folder of the clone.
        beside: other recipes; where they are applied to the same files, that is no drift from the upstream.

    Raises:
        PatchError: several clones below the folder hold the patch.
    """
    return edition_in(recipe, Clone(root), beside)


def patched_by(recipes: Sequence[Recipe], root: Path) -> list[Recipe]:
    """Return the recipes of which something is in a clone.

    Raises:
        PatchError: several clones below the folder hold the patch.
    """
    clone = Clone(root)
    return [recipe for recipe in recipes if find_patched(clone, recipe)[0]]


def edition_in(recipe: Recipe, clone: Clone, beside: Sequence[Recipe] = ()) -> Status:
    """Return the status of the edition of a recipe that is applied, of the newest one if none is whole."""
    newest, *earlier = recipe.editions
    current = _status(newest, clone, beside)
    if current.state == "partly applied":
        for edition in earlier:
            past = _status(edition, clone, beside)
            if past.state == "applied":
                return past
    return current


def _status(recipe: Recipe, clone: Clone, beside: Sequence[Recipe]) -> Status:
    patched, copies = find_patched(clone, recipe)
    others = {} if len(patched) == len(recipe.files) else _unpatched(clone, recipe)
    files = tuple(
        _patched_file(recipe, clone, file, patched[file.path], beside)
        if file.path in patched
        else _unpatched_file(recipe, clone, file, others.get(file.path), beside)
        for file in recipe.files
    )
    states = {edit.state for entry in files for edit in entry.edits}
    state = states.pop() if states in ({"applied"}, {"absent"}) else "partly applied"
    return Status(recipe, state, files, tuple(copies))


def title(edit: Edit) -> str:
    """Return an edit's code in one line, for messages and tables."""
    return f"{'@' if isinstance(edit, Decorator) else ''}{edit.code.splitlines()[0]}"


def partly_applied(current: Status) -> PatchError:
    """Return the refusal that says which edits are there, and which are not or were changed."""
    edits = [(file.name or file.path, edit) for file in current.files for edit in file.edits]
    there = sum(edit.state == "applied" for _, edit in edits)
    other = [
        f"`{title(edit.edit)}` is {edit.state} ({name if edit.line is None else f'{name}:{edit.line}'})"
        for name, edit in edits
        if edit.state != "applied"
    ]
    shown = other if len(other) <= 3 else [*other[:2], f"{len(other) - 2} more are not as they were"]
    name = current.recipe.name
    return PatchError(
        f"{name} is partly applied: of {len(edits)} edits {there} are there, but {english(shown)}",
        next_step=f"run `ffl-patch revert {name}` to take the rest out, then apply again",
    )


def _unpatched(clone: Clone, recipe: Recipe) -> dict[str, str]:
    try:
        return find_files(clone, recipe)
    except PatchError:
        return {}


def _unpatched_file(
    recipe: Recipe, clone: Clone, file: File, name: Optional[str], beside: Sequence[Recipe]
) -> FileStatus:
    version = None if name is None else _version(recipe, file, clone.read(name), beside)
    wanted = () if file.optional and name is None else file.edits
    return FileStatus(file.path, name, version, tuple(EditStatus(edit, "absent", None) for edit in wanted))


def _patched_file(
    recipe: Recipe, clone: Clone, file: File, name: str, beside: Sequence[Recipe]
) -> FileStatus:
    source = clone.source(name)
    present = trace(source, file.edits)
    try:
        version = _version(recipe, file, take_out(source, file.edits), beside)
    except PatchError:
        version = None
    edits = tuple(_edit_status(edit, nodes, present.leftovers) for edit, nodes in present.found)
    return FileStatus(file.path, name, version, edits)


def _version(recipe: Recipe, file: File, data: bytes, beside: Sequence[Recipe]) -> Optional[str]:
    """The upstream commit that a file without this recipe's edits is known from, apart from other recipes."""
    version = known_version(recipe, file.path, data)
    for other in beside:
        for theirs in other.files:
            if version is None and other is not recipe and theirs.path == file.path:
                try:
                    data = take_out(Source(data, file.path), theirs.edits)
                except PatchError:
                    continue
                version = known_version(recipe, file.path, data)
    return version


def _edit_status(edit: Edit, nodes: Sequence[Found], leftovers: Sequence[Mention]) -> EditStatus:
    if len(nodes) == 1:
        return EditStatus(edit, "applied", nodes[0].line)
    if nodes:
        return EditStatus(edit, "repeated", nodes[1].line)
    names = introduced_names((edit,)) | names_read(edit)
    traces = [mention.line for mention in leftovers if mention.text in names]
    return EditStatus(edit, "edited", traces[0]) if traces else EditStatus(edit, "absent", None)
