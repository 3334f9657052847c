"""``ffl-patch detect``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching.detect import detect


@click.command()
@click.argument("repo", default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(repo: Path, as_json: bool) -> None:
    """Say which targets the clone REPO (default: the current folder) fits, and why."""
    fits = detect(all_recipes().values(), repo)
    if as_json:
        found = [
            {
                "target": fit.recipe.name,
                "applies": fit.problem is None,
                "because": fit.because,
                "problem": None if fit.problem is None else str(fit.problem),
            }
            for fit in fits
        ]
        click.echo(json.dumps({"repo": str(repo), "fits": found}, indent=2))
        return
    for fit in fits:
        click.echo(f"{fit.recipe.name}: {fit.because}")
        if fit.problem is not None:
            click.echo(f"  but it does not apply: {fit.problem}")
    if not fits:
        click.echo(
            f"{repo.resolve()} is of no family that can be patched; `ffl-patch list` shows those that can."
        )
