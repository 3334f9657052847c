"""The patch engine: finds places by meaning, inserts, proves, undoes. Standard library only.

from ffl_plugin.patches.pix2pix import RECIPE
from ffl_plugin.patching import plan_apply, plan_revert, status

plan = plan_apply(RECIPE, Path("pytorch-CycleGAN-and-pix2pix"))  # computed and proved in memory
plan.write()                                                     # all files, or none
"""

from __future__ import annotations

from ffl_plugin.patching.engine import Plan, plan_apply, plan_revert, plan_upgrade
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import Recipe
from ffl_plugin.patching.state import Status, status

__all__ = ["PatchError", "Plan", "Recipe", "Status", "plan_apply", "plan_revert", "plan_upgrade", "status"]
