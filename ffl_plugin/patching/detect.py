"""Which families a clone belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.recipe import Recipe
from ffl_plugin.patching.search import Ambiguous, NotThisFamily, find_files


@dataclass(frozen=True)
class Fit:
    """A recipe whose files are in a clone, and the sentence that says by what they were recognised."""

    recipe: Recipe
    because: str


def detect(recipes: Iterable[Recipe], root: Path) -> list[Fit]:
    """Return the recipes whose files a clone has, in the given order; supplements are no families.

    Raises:
        PatchError: the folder does not exist, or the file of a recipe cannot be parsed.
    """
    clone = Clone(root)
    fits = []
    for recipe in recipes:
        if recipe.supplements is not None:
            continue
        try:
            paths = find_files(clone, recipe)
        except NotThisFamily:
            continue
        except Ambiguous as error:
            fits.append(Fit(recipe, error.problem))
            continue
        holds = [f"{paths[file.path]} defines {' and '.join(file.holds)}" for file in recipe.files]
        fits.append(Fit(recipe, "; ".join(holds)))
    return fits
