"""Recipes: one module per target, which defines ``RECIPE``.

Modules with a leading underscore are shared by several recipes.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ffl_plugin.patching.recipe import Recipe


def all_recipes() -> dict[str, Recipe]:
    """Return every recipe by its target's name."""
    recipes: list[Recipe] = []
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            recipes.append(importlib.import_module(f"{__name__}.{module.name}").RECIPE)
    return {recipe.name: recipe for recipe in recipes}
