"""``ffl-patch diff``."""

from __future__ import annotations

import sys
from typing import Optional

import click

from ffl_plugin.cli._targets import (
    read_arguments,
    target_and_repository,
    the_applied_recipe,
    the_fitting_recipe,
    warn_if_interrupted,
)
from ffl_plugin.patching import plan_apply, plan_revert, status


@click.command()
@target_and_repository
def command(first: Optional[str], second: Optional[str]) -> None:
    """Show what the patch has changed in the clone REPO, or would change where it is not applied.

    A unified diff, which `git apply` reads. TARGET is only needed where several fit.
    """
    named, root = read_arguments(first, second)
    warn_if_interrupted(root)
    recipe = the_applied_recipe(named, root) or the_fitting_recipe(root)
    if status(recipe, root).state == "absent":
        text = plan_apply(recipe, root).diff()
    else:
        text = plan_revert(recipe, root).diff(backwards=True)
    sys.stdout.buffer.write(text)
