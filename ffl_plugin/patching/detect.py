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
from ffl_plugin.patching.search import NotThisFamily, find_files


@dataclass(frozen=True)
class Fit:
    """A recipe whose files a clone has.

    Args:
        recipe: the recipe.
        because: by what the files were recognised.
        problem: why the recipe does not apply all the same; None if it does, or is applied already.
    """

    recipe: Recipe
    because: str
    problem: Optional[PatchError]


def detect(recipes: Iterable[Recipe], root: Union[Path, Clone]) -> list[Fit]:
    """Return the recipes whose files a clone has, those that apply first; supplements are no families.

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
        except NotThisFamily:
            continue
        except PatchError as error:
            fits.append(Fit(recipe, error.problem, error))
            continue
        because = "; ".join(
            f"{paths[file.path]} defines {in_words(file.holds)}" for file in files if file.path in paths
        )
        try:
            plan_apply(recipe, clone)
        except PatchError as error:
            fits.append(Fit(recipe, because, error))
        else:
            fits.append(Fit(recipe, because, None))
    return sorted(fits, key=lambda fit: fit.problem is not None)
