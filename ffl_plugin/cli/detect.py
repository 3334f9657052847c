"""``ffl-patch detect``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._targets import copy_below, of_no_family
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import Clone
from ffl_plugin.patching.detect import Fit, detect
from ffl_plugin.patching.errors import english


@click.command()
@click.argument("repo", default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(repo: Path, as_json: bool) -> None:
    """Show which targets the clone REPO (default: the current folder) matches, and why.

    Exits with 1 if it matches none.
    """
    clone = Clone(repo)
    fits = detect(all_recipes().values(), clone)
    refusal = None if fits else of_no_family(clone)
    if as_json:
        found = [
            {
                "target": fit.recipe.name,
                "applies": fit.problem is None,
                "because": fit.because,
                "problem": None if fit.problem is None else str(fit.problem),
                "notes": _notes(fit, clone),
            }
            for fit in fits
        ]
        problem = None if refusal is None else refusal.problem
        click.echo(json_text({"repo": str(repo), "fits": found, "problem": problem}, indent=2))
        sys.exit(0 if refusal is None else refusal.exit_code)
    if refusal is not None:
        raise refusal
    for names, fit in _by_problem(fits):
        only_problem = fit.problem is not None and fit.because == fit.problem.problem
        if only_problem and names != fit.recipe.name:  # one file, by which several families are recognised
            click.echo(f"of an unknown family: {fit.problem}")
            continue
        click.echo(f"{names}: {fit.problem if only_problem else fit.because}")
        if fit.problem is not None and not only_problem:
            click.echo(f"  but it does not apply: {fit.problem}")
        for note in _notes(fit, clone):
            click.echo(f"  but {note}")


def _notes(fit: Fit, clone: Clone) -> list[str]:
    """What to know of a fit that applies."""
    below = None if fit.problem is not None else copy_below(fit.recipe, clone)
    return [*([] if below is None else [below]), *fit.notes]


def _by_problem(fits: Sequence[Fit]) -> list[tuple[str, Fit]]:
    """Group the fits that do not apply and have the same explanation."""
    grouped: dict[tuple[str, str], list[Fit]] = {}
    for fit in fits:
        name = fit.recipe.name if fit.problem is None else ""
        grouped.setdefault((name, f"{fit.because}{fit.problem}"), []).append(fit)
    return [(english([fit.recipe.name for fit in each]), each[0]) for each in grouped.values()]
