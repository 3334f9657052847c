"""Detection of the families that a clone belongs to, and of recipes that apply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.patching.apply import plan_apply
from ffl_plugin.patching.clone import Clone, open_clone
from ffl_plugin.patching.errors import PatchError, english
from ffl_plugin.patching.recipe import Recipe, describe_names
from ffl_plugin.patching.search import NotThisFamily, Relative, find_files, nearest


@dataclass(frozen=True)
class Fit:
    """A recipe whose files exist in a clone.

    Args:
        recipe: the recipe.
        because: the evidence.
        problem: why the recipe does not apply; None if it does, or is already applied.
        notes: remarks of `plan_apply` if it does.
    """

    recipe: Recipe
    because: str
    problem: Optional[PatchError]
    notes: tuple[str, ...] = ()


def detect(recipes: Iterable[Recipe], root: Union[Path, Clone]) -> list[Fit]:
    """Return the recipes whose files or known forks a clone contains, applicable ones first; no companions.

    A recipe whose files define nothing is listed only if it applies.

    Raises:
        PatchError: the folder does not exist.
    """
    clone = open_clone(root)
    fits = []
    for recipe in recipes:
        if recipe.companion_of is not None:
            continue
        try:
            adapted = recipe.adapted(clone)
            paths = find_files(clone, adapted)
        except PatchError as error:
            if isinstance(error, Relative) or not isinstance(error, NotThisFamily):
                fits.append(Fit(recipe, error.problem, error))
            continue
        because = "; ".join(
            f"{paths[file.path]} defines {describe_names(file.defines)}"
            for file in adapted.files
            if file.path in paths and file.defines
        )
        try:
            notes = plan_apply(recipe, clone).notes
        except PatchError as error:
            if because:  # a path alone, such as train.py, does not identify a family
                fits.append(Fit(recipe, because, error))
        else:
            because = because or f"every edit has its place in {english(list(paths.values()))}"
            fits.append(Fit(recipe, because, None, tuple(notes)))
    return sorted(fits, key=lambda fit: fit.problem is not None)


def nearest_family(recipes: Iterable[Recipe], root: Union[Path, Clone]) -> Optional[str]:
    """Describe the most similar family and what the clone lacks of it; None if nothing is similar."""
    clone = open_clone(root)
    best: tuple[int, Optional[str]] = (0, None)
    for recipe in recipes:
        for file in recipe.files if recipe.companion_of is None else ():
            near = nearest(clone, file)
            if near is not None and near[2] and len(near[1]) > best[0]:
                name, defined, lacking = near
                lacks = f"{name} defines {describe_names(defined)}, but not {describe_names(lacking)}"
                best = len(defined), f"the nearest is {recipe.name}: {lacks}"
    return best[1]
