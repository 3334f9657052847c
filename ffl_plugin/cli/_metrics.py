"""Metrics as the user lists them: ``--metrics fid,kid``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

import click


def chosen_of(
    known: Sequence[str],
) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    """Return a click callback that splits a list at commas and refuses names that are not known."""

    def split(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(name.strip().lower() for name in value.split(",")))
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(known)}.")
        return chosen

    return split
