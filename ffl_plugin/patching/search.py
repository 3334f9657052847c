"""Where a recipe's files are in a clone: by path, by what they define, by what the patch left in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Optional

from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError, english
from ffl_plugin.patching.guard import check_guard
from ffl_plugin.patching.names import introduced_names, parse_edit
from ffl_plugin.patching.recipe import File, Import, Recipe
from ffl_plugin.patching.trace import trace


class NotThisFamily(PatchError):
    """The clone lacks what the recipe's family defines."""


class Ambiguous(PatchError):
    """Several places fit, and the user has to name one."""


def find_files(clone: Clone, recipe: Recipe) -> dict[str, str]:
    """Return where each file of a recipe is, by the recipe's path.

    Raises:
        NotThisFamily: a file is missing.
        Ambiguous: there are several clones below the folder, or several files that define the same.
        PatchError: the file at the recipe's path cannot be parsed.
    """
    folder = _folder(clone, recipe)
    found: dict[str, str] = {}
    undecided: list[tuple[File, list[str]]] = []
    for file in recipe.files:
        name = folder + file.path
        if clone.defines(name, file.holds):
            found[file.path] = name
            continue
        candidates = [
            other
            for other in clone.python_files
            if other.startswith(folder) and clone.defines(other, file.holds)
        ]
        if not candidates:
            raise _missing(clone, recipe, file, name)
        if len(candidates) == 1:
            found[file.path] = candidates[0]
        else:
            undecided.append((file, candidates))
    for file, candidates in undecided:
        fitting = [name for name in candidates if _passes(clone, name, file, found)]
        if len(fitting) != 1:
            raise Ambiguous(
                f"{english(fitting or candidates)} define {file.holds[0]}, and none is at {file.path}",
                next_step=f"name the one to patch {file.path.rpartition('/')[2]} as the upstream does",
            )
        found[file.path] = fitting[0]
    return found


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
    for path, names in traced.items():
        chosen = [path] if path in names else [name for name in names if name.endswith(f"/{path}")]
        chosen = names if len(names) == 1 else chosen
        if len(chosen) > 1 or (names and not chosen):
            raise Ambiguous(
                f"{english(chosen or names)} all hold the {recipe.name} patch",
                next_step="give the folder of the clone you mean",
            )
        if chosen:
            found[path] = chosen[0]
            copies += [name for name in names if name != chosen[0]]
    return found, copies


def _folder(clone: Clone, recipe: Recipe) -> str:
    """The folder of the clone that a recipe fits: the given one, or the only one below it; with a slash."""
    if any(clone.defines(file.path, file.holds) for file in recipe.files):
        return ""
    fits: dict[str, int] = {}
    for name in clone.python_files:
        for file in recipe.files:
            if name.endswith(f"/{file.path}") and clone.defines(name, file.holds):
                folder = name[: -len(file.path)]
                fits[folder] = fits.get(folder, 0) + 1
    best = [folder for folder, count in fits.items() if count == max(fits.values())]
    if len(best) > 1:
        folders = ", ".join(folder.rstrip("/") for folder in best)
        raise Ambiguous(
            f"{clone.title} holds {len(best)} clones of the {recipe.name} family ({folders})",
            next_step="give the folder of one",
        )
    return best[0] if best else ""


def _missing(clone: Clone, recipe: Recipe, file: File, name: str) -> PatchError:
    if clone.has(name):
        clone.source(name)  # Says so if it cannot be parsed.
    wanted = english(file.holds)
    return NotThisFamily(f"{clone.title} is not of the {recipe.name} family: no file defines {wanted}")


def _passes(clone: Clone, name: str, file: File, paths: Mapping[str, str]) -> bool:
    try:
        for guard in file.guards:
            check_guard(clone.source(name), guard, paths)
    except PatchError:
        return False
    return True


def _traced_file(clone: Clone, name: str, recipe: Recipe) -> Optional[File]:
    """The recipe's file of which a file of the clone holds most edits; None if it holds none."""
    names = {part.rpartition(".")[2] for file in recipe.files for part in introduced_names(file.edits)}
    try:
        if not re.search(rf"\b({'|'.join(sorted(names))})\b".encode(), clone.read(name)):
            return None
        source = clone.source(name)
    except PatchError:
        return None
    edits = [edit for file in recipe.files for edit in file.edits if isinstance(edit, Import)]
    wanted = {found for edit in edits for found in _imported(parse_edit(edit))}
    ours = {found for node in ast.walk(source.tree) for found in _imported(node)}
    ours = {found for found in ours if found[0] in {module for module, _ in wanted}}
    if ours and not ours & wanted:  # Another family's patch, which may use the same statements.
        return None
    counts = {
        file.path: sum(bool(nodes) for _, nodes in trace(source, file.edits).found) for file in recipe.files
    }
    best = max(recipe.files, key=lambda file: (counts[file.path], name.endswith(file.path)))
    return best if counts[best.path] or ours else None


def _imported(node: ast.AST) -> list[tuple[Optional[str], str]]:
    return [(node.module, alias.name) for alias in node.names] if isinstance(node, ast.ImportFrom) else []
