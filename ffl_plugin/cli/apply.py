"""``ffl-patch apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._targets import companion_named, recipe_named, show, the_fitting_recipe
from ffl_plugin.patches import all_recipes
from ffl_plugin.patches._training import own_command, training_command
from ffl_plugin.patching import Clone, PatchError, Plan, Recipe, plan_apply
from ffl_plugin.patching.detect import detect
from ffl_plugin.patching.errors import command_line, english
from ffl_plugin.patching.search import NotThisFamily, Relative


@click.command()
@click.argument("target")
@click.argument("repo", default=".", type=click.Path(path_type=Path))
@click.option(
    "--with",
    "extra",
    metavar="NAME",
    help="Also apply this companion recipe: torch2 supports current PyTorch.",
)
@click.option("--dry-run", is_flag=True, help="Compute and verify everything, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(target: str, repo: Path, extra: Optional[str], dry_run: bool, as_json: bool) -> None:
    """Patch the clone REPO (default: the current folder) with the recipe of TARGET.

    All files are changed, or none. `ffl-patch list` shows the targets; `auto` selects the one that applies.
    """
    named = recipe_named(target) if target != "auto" else None
    clone = Clone(repo)
    recipe, chosen_because = (named, ()) if named is not None else the_fitting_recipe(clone)
    companions = [] if extra is None else [companion_named(extra, recipe)]
    try:
        plan = plan_apply(recipe, clone, *companions)
    except NotThisFamily as error:
        raise _with_fitting_targets(error, recipe, clone) from None
    if not dry_run:
        plan.write()
    names = [each.name for each in (recipe, *companions)]
    if as_json:
        report = _report(plan, names, dry_run)
        click.echo(json_text({**report, "notes": [*chosen_because, *report["notes"]]}, indent=2))
    else:
        show([*chosen_because, *plan.notes])
        click.echo(_text(plan, clone, names, dry_run))


def _with_fitting_targets(error: NotThisFamily, recipe: Recipe, clone: Clone) -> PatchError:
    fitting = detect(all_recipes().values(), clone)
    others = [fit for fit in fitting if fit.recipe is not recipe and not isinstance(fit.problem, Relative)]
    fits = [fit.recipe.name for fit in others if fit.problem is None] or [fit.recipe.name for fit in others]
    step = f"it looks like {english(fits)}" if fits else "`ffl-patch list` shows the supported families"
    return PatchError(error.problem, file=error.file, line=error.line, next_step=step)


def _outcome(plan: Plan, dry_run: bool) -> str:
    if not plan.changes:
        return "already applied"
    return "would be applied" if dry_run else "applied"


def _report(plan: Plan, names: list[str], dry_run: bool) -> dict[str, Any]:
    return {
        "target": plan.recipe.name,
        "with": names[1:],
        "repo": str(plan.root),
        "outcome": _outcome(plan, dry_run),
        "files": [change.name for change in plan.changes],
        "notes": plan.notes,
    }


def _text(plan: Plan, clone: Clone, names: list[str], dry_run: bool) -> str:
    outcome = _outcome(plan, dry_run)
    what = " with ".join(names)
    if not plan.changes:
        return f"{what} is {outcome}."
    lines = [f"{what} {outcome}: {', '.join(change.name for change in plan.changes)}"]
    if not dry_run:
        command = training_command(plan.recipe, clone) or own_command(plan.recipe)
        lines.append(f"Train with    {command}")
        target = f" {names[0]}" if len(names) == 1 else ""  # without a name, all recipes are meant
        lines.append(f"See it with   {command_line(f'diff{target}', plan.root)}")
        lines.append(f"Undo it with  {command_line(f'revert{target}', plan.root)}")
    return "\n".join(lines)
