"""Recipes: one module per upstream, data without logic.

A module here defines ``RECIPE``; nothing else has to know about it.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ffl_plugin.patching.recipe import Recipe


def all_recipes() -> dict[str, Recipe]:
    """Return every recipe by its target's name."""
    modules = [
        importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)
    ]
    recipes: list[Recipe] = [module.RECIPE for module in modules]
    return {recipe.name: recipe for recipe in recipes}
