"""``ffl-patch reproduce NAME``: one of the paper's experiments, beside the paper's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import click
from click.core import ParameterSource

from ffl_plugin.as_text import json_text
from ffl_plugin.reproduce import EXPERIMENTS

NAMES = "\n".join(f"  {name:<14} {experiment.summary}" for name, experiment in EXPERIMENTS.items())


@click.command(epilog=f"\b\nExperiments:\n{NAMES}")
@click.argument("name", type=click.Choice(list(EXPERIMENTS)), metavar="NAME")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Your images, instead of drawn ones; with --paper, the folder of the paper's data sets.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Output folder; an interrupted run resumes from it.  [default: ffl-reproduce-NAME]",
)
@click.option(
    "--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Trainings per method."
)
@click.option(
    "--paper", is_flag=True, help="Use the paper's settings, on your copy of its data sets (needs --data)."
)
@click.option("--images", type=click.IntRange(min=2), help="Number of training images of the reduced run.")
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs per training.")
@click.option(
    "--clone",
    type=click.Path(path_type=Path),
    help="Your clone of pix2pix, SPADE or StyleGAN2-ADA; a copy of it is patched.",
)
@click.option(
    "--weight",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="FFL weight in a clone; the paper's weights are not public.",
)
@click.option(
    "--methods", metavar="A,B,...", help="Train only these methods, and the baseline.  [default: all]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.pass_context
def command(
    context: click.Context,
    name: str,
    data: Optional[Path],
    out: Optional[Path],
    seeds: int,
    paper: bool,
    images: Optional[int],
    epochs: Optional[int],
    clone: Optional[Path],
    weight: float,
    methods: Optional[str],
    as_json: bool,
) -> None:
    """Run one of the paper's experiments and print its table beside the paper's numbers.

    The default is a reduced run on images drawn by this package; it takes minutes on a CPU. To resume an
    interrupted run, run the same command again.
    """
    from ffl_plugin.metrics import progress_bar
    from ffl_plugin.reproduce import Options, load

    for option in ("data", "paper", "seeds", "images", "epochs", "clone", "weight", "methods"):
        given = context.get_parameter_source(option) is not ParameterSource.DEFAULT
        if given and option not in EXPERIMENTS[name].options:
            raise click.UsageError(f"--{option} does not apply to {name}.")
    if paper and images is not None:
        raise click.UsageError("--images applies to the reduced run only; --paper uses the whole data set.")
    out = out or Path(f"ffl-reproduce-{name}")
    options = Options(out, data, paper, seeds, images, epochs, clone, weight, _names(methods))
    with progress_bar() as progress:
        result = load(name)(options, progress)
    (out / "table.md").write_text(result.text, encoding="utf-8")
    text = json_text(result.data, indent=2)
    (out / "result.json").write_text(text + "\n", encoding="utf-8")
    click.echo(text if as_json else result.text)
    click.echo(f"Written to {out}: table.md, result.json and figure.png.", err=True)


def _names(listed: Optional[str]) -> tuple[str, ...]:
    return () if listed is None else tuple(name.strip() for name in listed.split(","))
