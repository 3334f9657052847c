"""``ffl-patch revert``."""

from __future__ import annotations

import json
from typing import Optional

import click

from ffl_plugin.cli._targets import (
    mend,
    read_arguments,
    target_and_repository,
    the_applied_recipe,
    warn_if_interrupted,
)
from ffl_plugin.patching import plan_revert


@click.command()
@target_and_repository
@click.option("--dry-run", is_flag=True, help="Compute and prove everything, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(first: Optional[str], second: Optional[str], dry_run: bool, as_json: bool) -> None:
    """Take the patch out of the clone REPO (default: the current folder) again.

    TARGET is only needed where more than one is applied. What you have changed since stays; where you have
    changed a line of the patch itself, nothing is written and the line is named.
    """
    named, root = read_arguments(first, second)
    if dry_run:
        warn_if_interrupted(root)
    else:
        mend(root)
    recipe = the_applied_recipe(named, root)
    plan = plan_revert(recipe, root) if recipe is not None else None
    if plan is not None and not dry_run:
        plan.write()
    changed = plan is not None and bool(plan.changes)
    outcome = "not applied" if not changed else "would be reverted" if dry_run else "reverted"
    names = [change.name for change in plan.changes] if plan is not None else []
    notes = plan.notes if plan is not None else ()
    if as_json:
        report = {
            "target": recipe.name if recipe is not None else None,
            "repo": str(root),
            "outcome": outcome,
            "files": names,
            "notes": notes,
        }
        click.echo(json.dumps(report, indent=2))
        return
    for note in notes:
        click.echo(f"Note: {note}.", err=True)
    if recipe is None:
        click.echo(f"Nothing of ours is applied in {root.resolve()}.")
    elif not names:
        click.echo(f"{recipe.name} is not applied.")
    else:
        click.echo(f"{recipe.name} {outcome}: {', '.join(names)}")
