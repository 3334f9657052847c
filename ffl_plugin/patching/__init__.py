"""The patch engine: finds places in the syntax tree, inserts, verifies, reverts. Standard library only.

It knows Python and nothing else; a recipe defines what to insert, and where that would do harm::

    from ffl_plugin.patches.pix2pix import RECIPE
    from ffl_plugin.patching import plan_apply

    plan = plan_apply(RECIPE, Path("pytorch-CycleGAN-and-pix2pix"))  # computed and verified in memory
    plan.write()                                                     # all files, or none
"""

from __future__ import annotations

from ffl_plugin.patching.apply import Plan, Status, plan_apply
from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import Recipe
from ffl_plugin.patching.report import status
from ffl_plugin.patching.revert import plan_revert, plan_upgrade
from ffl_plugin.patching.source import Source

__all__ = [
    "Clone",
    "PatchError",
    "Plan",
    "Recipe",
    "Source",
    "Status",
    "plan_apply",
    "plan_revert",
    "plan_upgrade",
    "status",
]
