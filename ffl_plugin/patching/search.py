"""Where a recipe's files are in a clone: by path, by what they define, by what the patch left in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Optional

from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError, english
from ffl_plugin.patching.recipe import File, Import, Recipe, in_words
from ffl_plugin.patching.source import once_for_each
from ffl_plugin.patching.trace import introduced_names, parse_edit, trace


class NotThisFamily(PatchError):
    """The clone lacks what the recipe's family defines."""


class Relative(NotThisFamily):
    """The clone is one of those that the recipe tells apart in words."""


class Ambiguous(PatchError):
    """Several places fit, and the user has to name one."""


@once_for_each
def find_files(clone: Clone, recipe: Recipe) -> dict[str, str]:
    """Return where each file of a recipe is, by the recipe's path, without the optional ones that are absent.

    Raises:
        NotThisFamily: no file defines what one of the recipe's files does.
        Ambiguous: there are several clones below the folder, or several files that define the same.
        PatchError: the file at a recipe's path cannot be parsed.
    """
    candidates: dict[str, list[str]] = {}
    for file in recipe.files:
        if clone.has(file.path):
            clone.source(file.path)  # Refuses what cannot be parsed, rather than look further.
        candidates[file.path] = _candidates(clone, file)
        if not candidates[file.path] and not file.optional:
            raise _unreadable(clone, file) or _missing(clone, recipe, file)
    optional = {file.path for file in recipe.files if file.optional}
    needed = {path: names for path, names in candidates.items() if path not in optional}
    first = recipe.files[0].path
    folders = [
        name[: -len(first)] for name in candidates[first] if name == first or name.endswith(f"/{first}")
    ]
    whole = [folder for folder in folders if all(folder + path in names for path, names in needed.items())]
    if len(whole) > 1 and "" not in whole:
        raise Ambiguous(
            f"{clone.title} holds {len(whole)} clones of the {recipe.name} family "
            f"({english([folder.rstrip('/') for folder in whole])})",
            next_step="give the folder of one",
        )
    if whole:
        folder = "" if "" in whole else whole[0]
        return {path: folder + path for path, names in candidates.items() if folder + path in names}
    return _by_content(clone, recipe, {path: names for path, names in candidates.items() if names})


@once_for_each
def find_patched(clone: Clone, recipe: Recipe) -> tuple[dict[str, str], list[str]]:
    """Return where traces of a recipe are, by the recipe's path, and the copies of these files elsewhere.

    A file need not be where the recipe has it, nor still define what the recipe asks for.

    Raises:
        Ambiguous: several files hold the same traces, and none is where the recipe has it.
    """
    traced: dict[str, list[str]] = {file.path: [] for file in recipe.files}
    traces = _Traces(recipe)
    for name in clone.python_files:
        file = traces.file_of(clone, name)
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


def _candidates(clone: Clone, file: File) -> list[str]:
    """The files that may be one of a recipe's: by what they define, or else by name."""
    if file.holds:
        return [name for name in clone.python_files if clone.defines(name, file.holds)]
    return [name for name in clone.python_files if f"/{name}".endswith(f"/{file.path}")]


def _by_content(clone: Clone, recipe: Recipe, candidates: Mapping[str, list[str]]) -> dict[str, str]:
    """Choose for each of the recipe's files the one at its path, the only one, or the one that fits."""
    found = {path: path if path in names else names[0] for path, names in candidates.items()}
    for file in recipe.files:
        names = candidates.get(file.path, [])
        if file.path in names or len(names) == 1:
            continue
        if file.optional:
            found.pop(file.path, None)
            continue
        alike = f"each define {file.holds[0]}" if file.holds else f"may each be {file.path}"
        problems = {name: _problem(clone, name, file, found) for name in names}
        fitting = [name for name, problem in problems.items() if problem is None]
        if not fitting:
            reasons = "; ".join(
                f"{problem.place}{problem.problem}" for problem in problems.values() if problem
            )
            raise Ambiguous(
                f"{english(names)} in {clone.title} {alike}, and none of them can be patched ({reasons})"
            )
        if len(fitting) != 1:
            raise Ambiguous(
                f"{english(fitting)} in {clone.title} {alike}",
                next_step=f"put the one to patch at {file.path}, where {recipe.upstream} has it",
            )
        found[file.path] = fitting[0]
    return found


def _missing(clone: Clone, recipe: Recipe, file: File) -> PatchError:
    for other in recipe.others:
        for name in clone.python_files:
            if clone.defines(name, other.holds):
                return Relative(f"{other.because}, which the {recipe.name} recipe does not fit", file=name)
    because = f"{clone.title} is not of the {recipe.name} family"
    if not file.holds:
        return NotThisFamily(f"{because}: there is no {file.path}")
    near = nearest(clone, file)
    if near is not None:
        name, there, lacking = near
        return NotThisFamily(f"{because}: {name} defines {in_words(there)}, but not {in_words(lacking)}")
    return NotThisFamily(f"{because}: no file defines {in_words(file.holds)}")


def nearest(clone: Clone, file: File) -> Optional[tuple[str, list[str], list[str]]]:
    """Return the file that defines most of what a recipe's file does, what it does, and what it lacks.

    None if no file defines anything telling: a function with a common name, such as ``main``, tells nothing
    unless it comes first.
    """
    telling = [name for name in file.holds if "." in name or name == file.holds[0]]
    best: Optional[tuple[str, list[str], list[str]]] = None
    for name in clone.python_files:
        if any(clone.defines(name, [wanted]) for wanted in telling):
            there = [wanted for wanted in file.holds if clone.defines(name, [wanted])]
            if best is None or len(there) > len(best[1]):
                best = name, there, [wanted for wanted in file.holds if wanted not in there]
    return best


def _problem(clone: Clone, name: str, file: File, files: Mapping[str, str]) -> Optional[PatchError]:
    """Why a file cannot be the one of a recipe; None if it can."""
    try:
        for check in file.checks:
            check(clone.source(name), clone.with_files({**files, file.path: name}))
    except PatchError as error:
        return error
    return None


def _unreadable(clone: Clone, file: File) -> Optional[PatchError]:
    """Why a file that seems to be the one of a recipe, by its name and words, cannot be read."""
    last = file.path.rpartition("/")[2]
    for name in clone.python_files:
        try:
            if name.rpartition("/")[2] == last and all(clone.may_define(name, each) for each in file.holds):
                clone.source(name)
        except PatchError as error:
            return error
    return None


class _Traces:
    """What a recipe leaves in files.

    Args:
        recipe: the recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.files = recipe.files
        edits = [edit for file in recipe.files for edit in file.edits]
        words = {name.rpartition(".")[2] for name in introduced_names(tuple(edits))}
        self._words = re.compile(rf"\b({'|'.join(sorted(words))})\b".encode())
        self._imports = [edit for edit in edits if isinstance(edit, Import)]
        self._imported = {found for edit in self._imports for found in _imported(parse_edit(edit))}
        self._modules = {module for module, _ in self._imported}

    def file_of(self, clone: Clone, name: str) -> Optional[File]:
        """Return the recipe's file of which a file of the clone holds most edits; None if it holds none."""
        try:
            data = clone.read(name)
        except PatchError:
            return None
        if not self._words.search(data):
            return None
        try:
            source = clone.source(name)
        except PatchError:
            if any(edit.code.encode() in data for edit in self._imports):
                raise  # Our patch is in it, and nobody can tell what else.
            return None
        ours = {found for node in source.nodes for found in _imported(node) if found[0] in self._modules}
        if ours and not ours & self._imported:  # Another family's patch, which may use the same statements.
            return None
        in_place = [file for file in self.files if f"/{name}".endswith(f"/{file.path}")]
        counts = {
            file: sum(bool(nodes) for _, nodes in trace(source, file.edits).found)
            for file in in_place or self.files
        }
        # Supplements put the same edit into several files, which only their definitions tell apart.
        best = max(
            counts, key=lambda file: (counts[file], clone.defines(name, file.holds) and bool(file.holds))
        )
        return best if counts[best] or ours else None


def _imported(node: ast.AST) -> list[tuple[Optional[str], str]]:
    return [(node.module, alias.name) for alias in node.names] if isinstance(node, ast.ImportFrom) else []
