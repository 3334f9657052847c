"""``ffl-patch diff``."""

from __future__ import annotations

import sys
from typing import Optional

import click

from ffl_plugin.cli._targets import (
    read_arguments,
    show,
    target_and_repository,
    the_applied_recipes,
    the_fitting_recipe,
)
from ffl_plugin.patching import Clone, plan_apply, plan_revert, status


@click.command()
@target_and_repository
def command(first: Optional[str], second: Optional[str]) -> None:
    """Show what the patch has changed in the clone REPO, or would change if it is not applied.

    Prints a unified diff for `git apply`. TARGET is needed only if nothing is applied and several match.
    """
    named, root = read_arguments(first, second)
    clone = Clone(root)
    show(clone.notes)
    recipe, *others = the_applied_recipes(named, clone) or [the_fitting_recipe(clone).recipe]
    if not others and status(recipe, clone).state == "absent":
        text = plan_apply(recipe, clone).diff()
    else:
        text = plan_revert(recipe, clone, *others).diff(backwards=True)
    sys.stdout.buffer.write(text)
