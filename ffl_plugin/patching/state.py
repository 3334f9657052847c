"""What has become of a recipe in a clone, edit by edit."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from ffl_plugin.patching.clone import Ambiguous, Clone, find_files
from ffl_plugin.patching.commands import command_line
from ffl_plugin.patching.errors import PatchError, english
from ffl_plugin.patching.recipe import Decorator, Edit, File, Import, Recipe
from ffl_plugin.patching.trace import Found, Mention, introduced_names, names_read, parse_edit, trace


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
        edits: its edits, in the recipe's order.
        version: the upstream commit its content without the patch is known from; None if it has drifted.
    """

    path: str
    name: Optional[str]
    edits: tuple[EditStatus, ...]
    version: Optional[str] = None


@dataclass(frozen=True)
class Status:
    """What there is of a recipe in a clone.

    Args:
        recipe: the recipe.
        state: ``"applied"``, ``"absent"`` or ``"partly applied"``.
        files: one entry per file of the recipe.
        copies: further files that hold the patch, which revert leaves alone.
        notes: sentences for the user.
    """

    recipe: Recipe
    state: str
    files: tuple[FileStatus, ...]
    copies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def edition_in(recipe: Recipe, clone: Clone) -> Status:
    """Return the status of the edition of a recipe that is applied, of the newest one if none is whole.

    Raises:
        Ambiguous: several clones below the folder hold the patch.
    """
    newest, *earlier = _adapted(recipe, clone).editions
    current = _status(newest, clone)
    if current.state == "partly applied":
        for edition in earlier:
            past = _status(edition, clone)
            if past.state == "applied":
                return past
    return current


def find_patched(clone: Clone, recipe: Recipe) -> tuple[dict[str, str], list[str]]:
    """Return where traces of a recipe are, by the recipe's path, and the copies of these files elsewhere.

    A file need not be where the recipe has it, nor still define what the recipe asks for.

    Raises:
        Ambiguous: several files hold the same traces, and none is where the recipe has it.
    """
    traced: dict[str, list[str]] = {file.path: [] for file in recipe.files}
    for name in clone.python_files:
        file = _traced_file(clone, name, recipe)
        if file is not None:
            traced[file.path].append(name)
    found: dict[str, str] = {}
    copies: list[str] = []
    for file in recipe.files:
        names = traced[file.path]
        if file.path in names or clone.defines(file.path, file.holds):
            chosen = [name for name in names if name == file.path]
        else:
            in_place = [name for name in names if name.endswith(f"/{file.path}")]
            chosen = names if len(names) == 1 else in_place or names
        if len(chosen) > 1:
            raise Ambiguous(
                f"{english(chosen)} all hold the {recipe.name} patch",
                next_step="give the folder of the clone you mean",
            )
        if chosen:
            found[file.path] = chosen[0]
        copies += [name for name in names if name not in chosen]
    return found, copies


def title(edit: Edit) -> str:
    """Return an edit's code in one line, for messages and tables."""
    return f"{'@' if isinstance(edit, Decorator) else ''}{edit.code.splitlines()[0]}"


def partly_applied(current: Status, clone: Clone) -> PatchError:
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
    revert = command_line(f"revert {name}", clone.root)
    return PatchError(
        f"{name} is partly applied: of {len(edits)} edits {there} are there, but {english(shown)}",
        next_step=f"run `{revert}` to take the rest out, then apply again",
    )


def _adapted(recipe: Recipe, clone: Clone) -> Recipe:
    """The recipe with the names of a clone; as it is where the clone is not one for it."""
    try:
        return recipe.adapted(clone)
    except PatchError:
        return recipe


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


def _traced_file(clone: Clone, name: str, recipe: Recipe) -> Optional[File]:
    """The recipe's file of which a file of the clone holds most edits; None if it holds none."""
    try:
        data = clone.read(name)
    except PatchError:
        return None
    names = {part.rpartition(".")[2] for file in recipe.files for part in introduced_names(file.edits)}
    if not re.search(rf"\b({'|'.join(sorted(names))})\b".encode(), data):
        return None
    try:
        source = clone.source(name)
    except PatchError:
        imports = [edit for file in recipe.files for edit in file.edits if isinstance(edit, Import)]
        if any(edit.code.encode() in data for edit in imports):
            raise  # Our patch is in it, and nobody can tell what else.
        return None
    edits = [edit for file in recipe.files for edit in file.edits if isinstance(edit, Import)]
    wanted = {found for edit in edits for found in _imported(parse_edit(edit))}
    ours = {found for node in ast.walk(source.tree) for found in _imported(node)}
    ours = {found for found in ours if found[0] in {module for module, _ in wanted}}
    if ours and not ours & wanted:  # Another family's patch, which may use the same statements.
        return None
    in_place = [file for file in recipe.files if f"/{name}".endswith(f"/{file.path}")]
    counts = {
        file: sum(bool(nodes) for _, nodes in trace(source, file.edits).found)
        for file in in_place or recipe.files
    }
    # Supplements put the same edit into several files, which only their definitions tell apart.
    best = max(counts, key=lambda file: (counts[file], clone.defines(name, file.holds) and bool(file.holds)))
    return best if counts[best] or ours else None


def _imported(node: ast.AST) -> list[tuple[Optional[str], str]]:
    return [(node.module, alias.name) for alias in node.names] if isinstance(node, ast.ImportFrom) else []
