"""``ffl-patch revert``."""

from __future__ import annotations

from typing import Optional

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._targets import read_arguments, show, target_and_repository, the_applied_recipes
from ffl_plugin.patching import Clone, plan_revert, transaction
from ffl_plugin.patching.errors import english


@click.command()
@target_and_repository
@click.option("--dry-run", is_flag=True, help="Compute and verify everything, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(first: Optional[str], second: Optional[str], dry_run: bool, as_json: bool) -> None:
    """Remove the patch from the clone REPO (default: the current folder).

    Without TARGET, every ffl-plugin patch is removed, or nothing is. Later changes of yours are kept; if you
    edited a line of the patch itself, nothing is written and the line is named.
    """
    named, root = read_arguments(first, second)
    clone = Clone(root)
    recipes = the_applied_recipes(named, clone)
    plan = plan_revert(recipes[0], clone, *recipes[1:]) if recipes else None
    if plan is not None and not dry_run:
        plan.write()
    elif not dry_run:
        transaction.recover(root)
    files = [change.name for change in plan.changes] if plan is not None else []
    notes = plan.notes if plan is not None else clone.notes
    names = [recipe.name for recipe in recipes]
    outcome = "not applied" if not files else "would be reverted" if dry_run else "reverted"
    if as_json:
        report = {
            "target": names[0] if names else None,
            "with": names[1:],
            "repo": str(root),
            "outcome": outcome,
            "files": files,
            "notes": notes,
        }
        click.echo(json_text(report, indent=2))
        return
    show(notes)
    if not names:
        click.echo(f"No ffl-plugin patch is applied in {root.resolve()}.")
    elif not files:
        click.echo(f"{names[0]} is not applied.")
    else:
        click.echo(f"{english(names)} {outcome}: {', '.join(files)}")
