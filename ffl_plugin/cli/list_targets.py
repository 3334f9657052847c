"""``ffl-patch list``."""

from __future__ import annotations

import click

from ffl_plugin.as_text import aligned, json_text
from ffl_plugin.patches import all_recipes


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """List the targets: the supported families of repositories."""
    recipes = all_recipes().values()
    if as_json:
        targets = [
            {
                "target": recipe.name,
                "upstream": recipe.upstream,
                "summary": recipe.summary,
                "files": [file.path for file in recipe.files],
                "tested": [str(version) for version in recipe.versions],
            }
            for recipe in recipes
        ]
        click.echo(json_text({"targets": targets}, indent=2))
        return
    rows = [
        row
        for recipe in recipes
        for row in ((recipe.name, recipe.summary), ("", f"tested on {recipe.tested}"))
    ]
    click.echo("\n".join(aligned(rows)))
