"""``ffl-patch demo``: patch, train, compare, on a small embedded repository or a real clone."""

from __future__ import annotations

import math
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Optional

import click

from ffl_plugin.as_text import json_text

DEFAULT_WEIGHT = 1000.0
EPOCHS_BETWEEN_LINES = 5  # where standard error is no terminal, which has a progress bar


def _check_weight(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise click.BadParameter(f"must be a finite number above 0, not {value:g}")
    return value


@click.command()
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default="ffl-demo",
    show_default=True,
    help="Folder for repository, data, trainings and report.",
)
@click.option(
    "--repo",
    metavar="CLONE",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Train a copy of this junyanz/pytorch-CycleGAN-and-pix2pix clone, not the embedded repository.",
)
@click.option(
    "--epochs",
    metavar="N",
    type=click.IntRange(2),
    help="Epochs per training. [default: 12]",
)
@click.option(
    "--seed", metavar="N", type=click.IntRange(0), default=0, show_default=True, help="Random seed."
)
@click.option(
    "--ffl-weight",
    "weight",
    metavar="W",
    type=float,
    callback=_check_weight,
    default=DEFAULT_WEIGHT,
    show_default=True,
    help="Weight of FFL in the second training.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(
    out: Path, repo: Optional[Path], epochs: Optional[int], seed: int, weight: float, as_json: bool
) -> None:
    """Patch a pix2pix repository, train it without and with FFL, and compare.

    Draws a small paired data set and trains twice with the same seed on two CPU cores. Needs no network.
    """
    from ffl_plugin.demo.main_job import run
    from ffl_plugin.demo.runs import EMBEDDED, REAL, Trainings
    from ffl_plugin.metrics import progress_bar
    from ffl_plugin.report import to_text

    started = time.monotonic()
    scale = EMBEDDED if repo is None else REAL
    scale = scale if epochs is None else replace(scale, epochs=epochs)
    trainings = Trainings(out.resolve(), scale, seed, weight)
    words = shlex.join(["ffl-patch", "demo", *sys.argv[2:]])
    with progress_bar() as progress:

        def on_epoch(done: int, total: int) -> None:
            progress(done, total, "epochs")
            if not sys.stderr.isatty() and (done % EPOCHS_BETWEEN_LINES == 0 or done == total):
                _echo(f"  {done} of {total} epochs")

        clone = repo and repo.resolve()
        comparison, written = run(trainings, clone, command=words, echo=_echo, on_epoch=on_epoch)
    if as_json:
        facts = {"out": str(trainings.out), "weight": weight, "seed": seed, "epochs": scale.epochs}
        click.echo(json_text({**facts, "comparison": comparison.to_json()}))
    else:
        click.echo(to_text(comparison), nl=False)
    for path in written:
        _echo(f"wrote {path}")
    _echo(f"{time.monotonic() - started:.0f} seconds in all")


def _echo(sentence: str) -> None:
    click.echo(sentence, err=True)
