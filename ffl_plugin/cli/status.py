"""``ffl-patch status``."""

from __future__ import annotations

from typing import Any, Optional

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._targets import read_arguments, show, target_and_repository, the_applied_recipes
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import Clone, Recipe, Status, status
from ffl_plugin.patching.apply import title
from ffl_plugin.patching.detect import detect
from ffl_plugin.patching.errors import command_line

NOT_APPLIED = 3


@click.command()
@target_and_repository
@click.option("--check", is_flag=True, help="Exit with 3 unless the patch is fully applied.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(
    context: click.Context, first: Optional[str], second: Optional[str], check: bool, as_json: bool
) -> None:
    """Show what is applied in the clone REPO (default: the current folder), edit by edit.

    Each file is identified with an upstream commit by its content, or has drifted from all of them.
    """
    named, root = read_arguments(first, second)
    clone = Clone(root)
    recipes = list(all_recipes().values())
    fits = [fit.recipe for fit in detect(recipes, clone) if fit.problem is None]
    found = [status(recipe, clone, recipes) for recipe in the_applied_recipes(named, clone)]
    if as_json:
        click.echo(json_text(_report(clone, found, fits), indent=2))
    else:
        show(clone.notes)
        click.echo("\n".join(_lines(clone, found, fits)))
    if check and not (found and all(entry.state == "applied" for entry in found)):
        context.exit(NOT_APPLIED)


def _report(clone: Clone, found: list[Status], fits: list[Recipe]) -> dict[str, Any]:
    return {
        "repo": str(clone.root),
        "fits": [recipe.name for recipe in fits],
        "interrupted": clone.notes[0] if clone.notes else None,
        "targets": [
            {
                "target": entry.recipe.name,
                "edition": entry.recipe.revision,
                "installed_edition": all_recipes()[entry.recipe.name].revision,
                "state": entry.state,
                "copies": entry.copies,
                "files": [
                    {
                        "path": file.name,
                        "version": None if file.version is None else str(file.version),
                        "edits": [
                            {"code": title(edit.edit), "state": edit.state, "line": edit.line}
                            for edit in file.edits
                        ],
                    }
                    for file in entry.files
                ],
            }
            for entry in found
        ],
    }


def _lines(clone: Clone, found: list[Status], fits: list[Recipe]) -> list[str]:
    lines = []
    for entry in found:
        name, newest = entry.recipe.name, all_recipes()[entry.recipe.name].revision
        step = f"; revision {newest}: {command_line(f'upgrade {name}', clone.root)}"
        upgrade = "" if entry.recipe.revision == newest else step
        lines.append(f"{entry.recipe.name}: {entry.state} (revision {entry.recipe.revision}{upgrade})")
        for file in entry.files:
            if file.name is None:
                lines.append(f"  {file.path}: not found")
                continue
            version = file.version
            known = entry.recipe.with_repository([version]) if version else "drifted from upstream"
            lines.append(
                f"  {file.name} ({known}{', apart from the patch' if entry.state == 'applied' else ''})"
            )
            for edit in file.edits:
                place = "" if edit.line is None else f"line {edit.line}"
                lines.append(f"    {edit.state:<8}  {place:<9}  {title(edit.edit)}")
        lines += [f"  {name}: a copy, not patched" for name in entry.copies]
    if not found:
        lines.append(f"No ffl-plugin patch is applied in {clone.root.resolve()}.")
    if not any(entry.state == "applied" for entry in found):
        for fit in fits:
            step = command_line(f"apply {fit.name}", clone.root)
            origin = status(fit, clone, list(all_recipes().values())).origin
            lines.append(f"It matches {fit.name} ({origin or f'drifted from {fit.upstream}'}): {step}")
    return lines
