"""Which families a clone belongs to, and whether their recipes apply to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.patching.apply import plan_apply
from ffl_plugin.patching.clone import Clone, opened
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import Recipe, in_words
from ffl_plugin.patching.search import NotThisFamily, Relative, find_files, nearest


@dataclass(frozen=True)
class Fit:
    """A recipe whose files a clone has.

    Args:
        recipe: the recipe.
        because: by what the files were recognised.
        problem: why the recipe does not apply all the same; None if it does, or is applied already.
        notes: what `plan_apply` says of it where it does.
    """

    recipe: Recipe
    because: str
    problem: Optional[PatchError]
    notes: tuple[str, ...] = ()


def detect(recipes: Iterable[Recipe], root: Union[Path, Clone]) -> list[Fit]:
    """Return the recipes whose files or relatives a clone has, those that apply first; no supplements.

    Raises:
        PatchError: the folder does not exist.
    """
    clone = opened(root)
    fits = []
    for recipe in recipes:
        if recipe.supplements is not None:
            continue
        try:
            files = recipe.adapted(clone).files
            paths = find_files(clone, recipe.adapted(clone))
        except Relative as error:
            fits.append(Fit(recipe, error.problem, error))
            continue
        except NotThisFamily:
            continue
        except PatchError as error:
            fits.append(Fit(recipe, error.problem, error))
            continue
        because = "; ".join(
            f"{paths[file.path]} defines {in_words(file.holds)}"
            for file in files
            if file.path in paths and file.holds
        )
        try:
            notes = plan_apply(recipe, clone).notes
        except PatchError as error:
            fits.append(Fit(recipe, because, error))
        else:
            fits.append(Fit(recipe, because, None, tuple(notes)))
    return sorted(fits, key=lambda fit: fit.problem is not None)


def nearest_family(recipes: Iterable[Recipe], root: Union[Path, Clone]) -> Optional[str]:
    """Return what a clone lacks of the family that it shares most names with; None if it shares none."""
    clone = opened(root)
    best: tuple[int, Optional[str]] = (0, None)
    for recipe in recipes:
        for file in recipe.files if recipe.supplements is None else ():
            near = nearest(clone, file)
            if near is not None and near[2] and len(near[1]) > best[0]:
                name, there, lacking = near
                lacks = f"{name} defines {in_words(there)}, but not {in_words(lacking)}"
                best = len(there), f"the nearest is {recipe.name}: {lacks}"
    return best[1]
