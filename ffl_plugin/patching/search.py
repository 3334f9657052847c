"""Finds a recipe's files in a clone: by path, by definitions, by traces of the patch."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Optional

from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError, english
from ffl_plugin.patching.recipe import File, Import, Recipe, describe_names
from ffl_plugin.patching.source import weak_cache
from ffl_plugin.patching.trace import introduced_names, parse_edit, trace


class NotThisFamily(PatchError):
    """The clone does not define what the recipe's family does."""


class Relative(NotThisFamily):
    """The clone is a known fork that the recipe refuses with an explanation."""


class Ambiguous(PatchError):
    """Several places match, and the user must choose one."""


@weak_cache
def find_files(clone: Clone, recipe: Recipe) -> dict[str, str]:
    """Return the path of each of a recipe's files, by the recipe's path, without absent optional ones.

    Raises:
        NotThisFamily: no file has the definitions of one of the recipe's files.
        Ambiguous: several clones below the folder, or several files with the same definitions.
        PatchError: the file at a recipe's path cannot be parsed.
    """
    candidates: dict[str, list[str]] = {}
    for file in recipe.files:
        if clone.has(file.path):
            clone.source(file.path)  # refuse a file that cannot be parsed instead of searching further
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
            f"{clone.title} contains {len(whole)} clones of the {recipe.name} family "
            f"({english([folder.rstrip('/') for folder in whole])})",
            next_step="pass the folder of one",
        )
    if whole:
        folder = "" if "" in whole else whole[0]
        return {path: folder + path for path, names in candidates.items() if folder + path in names}
    return _by_content(clone, recipe, {path: names for path, names in candidates.items() if names})


@weak_cache
def find_patched(clone: Clone, recipe: Recipe) -> tuple[dict[str, str], list[str]]:
    """Return the files with traces of a recipe, by the recipe's path, and copies of them elsewhere.

    A file need not have the recipe's path, nor still have the recipe's definitions.

    Raises:
        Ambiguous: several files have the same traces, and none is at the recipe's path.
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
        if file.path in names or clone.defines(file.path, file.defines):
            chosen = [name for name in names if name == file.path]
        else:
            in_place = [name for name in names if name.endswith(f"/{file.path}")]
            chosen = names if len(names) == 1 else in_place or names
        if len(chosen) > 1:
            raise Ambiguous(
                f"{english(chosen)} all contain the {recipe.name} patch",
                next_step="pass the folder of the clone you mean",
            )
        if chosen:
            found[file.path] = chosen[0]
        copies += [name for name in names if name not in chosen]
    return found, copies


def _candidates(clone: Clone, file: File) -> list[str]:
    """Return candidates for a recipe's file: by definitions, or else by name."""
    if file.defines:
        return clone.defining(file.defines)
    return [name for name in clone.python_files if f"/{name}".endswith(f"/{file.path}")]


def _by_content(clone: Clone, recipe: Recipe, candidates: Mapping[str, list[str]]) -> dict[str, str]:
    """Choose for each of the recipe's files the one at its path, the only one, or the one that passes."""
    found = {path: path if path in names else names[0] for path, names in candidates.items()}
    for file in recipe.files:
        names = candidates.get(file.path, [])
        if file.path in names or len(names) == 1:
            continue
        if file.optional:
            found.pop(file.path, None)
            continue
        alike = f"each define {file.defines[0]}" if file.defines else f"may each be {file.path}"
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
        for name in clone.defining(other.defines):
            return Relative(f"{other.because}, which the {recipe.name} recipe does not support", file=name)
    because = f"{clone.title} does not belong to the {recipe.name} family"
    if not file.defines:
        return NotThisFamily(f"{because}: there is no {file.path}")
    near = nearest(clone, file)
    if near is not None:
        name, defined, lacking = near
        names = f"{describe_names(defined)}, but not {describe_names(lacking)}"
        return NotThisFamily(f"{because}: {name} defines {names}")
    return NotThisFamily(f"{because}: no file defines {describe_names(file.defines)}")


def nearest(clone: Clone, file: File) -> Optional[tuple[str, list[str], list[str]]]:
    """Return the file with most of a recipe's definitions, those it has, and those it lacks.

    None if no file has a distinctive one: common function names, such as ``main``, count only if listed
    first.
    """
    distinctive = [name for name in file.defines if "." in name or name == file.defines[0]]
    best: Optional[tuple[str, list[str], list[str]]] = None
    for name in clone.python_files:
        if any(clone.defines(name, [wanted]) for wanted in distinctive):
            defined = [wanted for wanted in file.defines if clone.defines(name, [wanted])]
            if best is None or len(defined) > len(best[1]):
                best = name, defined, [wanted for wanted in file.defines if wanted not in defined]
    return best


def _problem(clone: Clone, name: str, file: File, files: Mapping[str, str]) -> Optional[PatchError]:
    """Return why a file cannot be a recipe's; None if it can."""
    try:
        for check in file.checks:
            check(clone.source(name), clone.with_files({**files, file.path: name}))
    except PatchError as error:
        return error
    return None


def _unreadable(clone: Clone, file: File) -> Optional[PatchError]:
    """Return why a file that looks like a recipe's, by name and words, cannot be read."""
    last = file.path.rpartition("/")[2]
    for name in clone.python_files:
        try:
            if name.rpartition("/")[2] == last and all(clone.may_define(name, each) for each in file.defines):
                clone.source(name)
        except PatchError as error:
            return error
    return None


class _Traces:
    """Finds a recipe's traces in files.

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
        """Return the recipe's file with most edits in a file of the clone; None if there are none."""
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
                raise  # it contains the patch, and possibly other edits
            return None
        imported = {found for node in source.nodes for found in _imported(node) if found[0] in self._modules}
        if imported and not imported & self._imported:  # another recipe's patch, with similar statements
            return None
        in_place = [file for file in self.files if f"/{name}".endswith(f"/{file.path}")]
        counts = {
            file: sum(bool(nodes) for _, nodes in trace(source, file.edits).found)
            for file in in_place or self.files
        }
        # Companion recipes insert the same edit into several files; only their definitions differ.
        best = max(
            counts, key=lambda file: (counts[file], clone.defines(name, file.defines) and bool(file.defines))
        )
        return best if counts[best] or imported else None


def _imported(node: ast.AST) -> list[tuple[Optional[str], str]]:
    return [(node.module, alias.name) for alias in node.names] if isinstance(node, ast.ImportFrom) else []
