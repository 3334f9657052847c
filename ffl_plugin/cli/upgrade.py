"""``ffl-patch upgrade``."""

from __future__ import annotations

from typing import Optional

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._targets import read_arguments, show, target_and_repository, the_applied_recipe
from ffl_plugin.patching import Clone, PatchError, plan_upgrade
from ffl_plugin.patching.errors import command_line


@click.command()
@target_and_repository
@click.option("--dry-run", is_flag=True, help="Compute and verify everything, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(first: Optional[str], second: Optional[str], dry_run: bool, as_json: bool) -> None:
    """Replace the patch in the clone REPO by this ffl-plugin version's.

    All files are changed, or none. TARGET is needed only if more than one patch is applied.
    """
    named, root = read_arguments(first, second)
    clone = Clone(root)
    recipe = the_applied_recipe(named, clone)
    if recipe is None:
        step = f"run `{command_line('apply auto', root)}`"
        raise PatchError(f"no ffl-plugin patch is applied in {root.resolve()}", next_step=step)
    plan = plan_upgrade(recipe, clone)
    if not dry_run:
        plan.write()
    outcome = "already up to date" if not plan.changes else "would be upgraded" if dry_run else "upgraded"
    names = [change.name for change in plan.changes]
    if as_json:
        report = {"target": recipe.name, "repo": str(root), "outcome": outcome, "edition": recipe.revision}
        click.echo(json_text({**report, "files": names, "notes": plan.notes}, indent=2))
        return
    show(plan.notes)
    click.echo(
        f"{recipe.name} {outcome} (revision {recipe.revision}){': ' if names else ''}{', '.join(names)}"
    )
