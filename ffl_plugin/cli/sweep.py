"""``ffl-patch sweep``: recommend a weight by training at several."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._metrics import interruptible, measuring_options
from ffl_plugin.errors import FFLError, readable
from ffl_plugin.sweep.engines import ENGINES, parse_settings, start_engine
from ffl_plugin.sweep.plan import (
    FEWEST_PAIRED,
    SHARE,
    WEIGHT,
    Plan,
    open_sweep,
    parse_numbers,
    read_plan,
    trials,
)

if TYPE_CHECKING:
    from ffl_plugin.report import MeasurementSettings


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--weights",
    metavar="A,B,...",
    help="Weights to train at; 0 is always included. [default: 0,0.1,1,10]",
)
@click.option(
    "--shares",
    metavar="A,B,...",
    help="Shares (--ffl-share) to train at instead of weights, such as 0,0.03,0.1,0.3; 0 is always included.",
)
@click.option(
    "--seeds",
    default="0,1",
    show_default=True,
    metavar="A,B,...",
    help="Seeds to train with at every weight.",
)
@click.option(
    "--out",
    default="ffl-sweep",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Output folder of the sweep.",
)
@click.option(
    "--then",
    metavar="COMMAND",
    multiple=True,
    help="Command to run after each training, such as a test script; may be repeated.",
)
@click.option(
    "--real",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Real images to compare with, as in compare.",
)
@click.option(
    "--results",
    metavar="PATH",
    help="Where each training writes its images; may use {out}. [default: searched for]",
)
@measuring_options()
@click.option(
    "--paired-seeds/--no-paired-seeds",
    default=None,
    help="Pair the trainings of a weight with those of weight 0 by seed. [default: from "
    f"{FEWEST_PAIRED} common seeds on]",
)
@click.option(
    "--engine",
    default="here",
    show_default=True,
    type=click.Choice(list(ENGINES)),
    help="Train one after another here, as SLURM jobs (through submitit), or as Ray tasks. If no Ray cluster "
    "runs, one is started, which takes 5 to 10 seconds, 360 MiB, and 45 MiB per training.",
)
@click.option(
    "--engine-set",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of submitit, such as timeout_min=600 (otherwise the cluster's limit applies), or of "
    "Ray tasks, such as num_gpus=1.",
)
@click.option("--report-only", is_flag=True, help="Do not train; report on existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the table as CSV.")
@click.argument("training", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED)
@interruptible("completed trainings are kept; run the same command again to continue")
def command(
    weights: Optional[str],
    shares: Optional[str],
    seeds: str,
    out: Path,
    then: tuple[str, ...],
    real: Optional[Path],
    results: Optional[str],
    settings: MeasurementSettings,
    paired_seeds: Optional[bool],
    engine: str,
    engine_set: tuple[str, ...],
    report_only: bool,
    as_json: bool,
    as_csv: bool,
    training: tuple[str, ...],
) -> None:
    """Train a patched clone at several weights and seeds, and gather one report.

    In COMMAND, {weight}, {seed} and {out} are replaced by each training's own; --ffl-weight={weight} is added
    unless {weight} is used. With --shares, {share} and --ffl-share={share} take its place. Run it in the
    clone. Run the same command again to continue after an interruption, or with more weights or seeds to
    extend it.

    \b
        ffl-patch sweep --weights 0,1,10 --real faces.zip -- \\
            python train.py --outdir={out} --seed={seed} --data=faces.zip
    \b
        ffl-patch sweep --then "python test.py $OPTIONS --results_dir {out}/results" -- \\
            python train.py $OPTIONS
        with OPTIONS="--dataroot maps --model pix2pix --name maps --checkpoints_dir {out}/checkpoints"
    """
    from ffl_plugin.metrics import progress_bar
    from ffl_plugin.metrics.networks import try_network
    from ffl_plugin.sweep.gather import gather
    from ffl_plugin.sweep.run import only_one, refuse_failed
    from ffl_plugin.sweep.sweep_page import write_sweep_report

    if weights is not None and shares is not None:
        raise click.UsageError("--weights and --shares are mutually exclusive.")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv are mutually exclusive; the report folder contains both.")
    if weights is not None and Path(weights).is_file():
        raise click.UsageError(
            f"--weights of a sweep are those of FFL; pass the file {weights} with --feature-weights."
        )
    for path in (real, settings.features.weights, settings.lpips):
        if path is not None and not Path(path).exists():  # fail now, not after days of training
            raise FFLError(f"{path} does not exist; the report needs it once the trainings are done")
    out = out.absolute()
    if report_only:
        plan = _known_plan(out)
    else:
        plan = _plan(training, then, weights, shares, seeds, bool(paired_seeds))
        if settings.features.weights is not None:
            try_network(settings.features)  # fail now, not after days of training
        started = start_engine(engine, out, parse_settings(engine_set))
        plan = open_sweep(out, plan)
    everything = trials(plan, out)
    with only_one(out):
        if not report_only:
            started.run(plan, everything, _echo)
        with progress_bar() as progress:
            report = gather(
                plan,
                everything,
                out,
                real=real,
                results=results,
                paired_seeds=paired_seeds,
                settings=replace(settings, progress=progress),
            )
        written = write_sweep_report(report, out / "report")
    plain = json_text(report.to_json()) + "\n"
    click.echo(plain if as_json else report.to_csv() if as_csv else report.to_text(), nl=False)
    for path in written:
        _echo(f"wrote {readable(path)}")
    refuse_failed(everything)


def _plan(
    training: tuple[str, ...],
    then: tuple[str, ...],
    weights: Optional[str],
    shares: Optional[str],
    seeds: str,
    paired_seeds: bool,
) -> Plan:
    """Parse the trainings to run.

    Raises FFLError if nothing is to be compared with weight 0, or the trainings cannot be paired.
    """
    option, values = (WEIGHT, weights or "0,0.1,1,10") if shares is None else (SHARE, shares)
    plan = Plan(
        command=training,
        then=tuple(_split(line) for line in then),
        folder=str(Path.cwd()),
        weights=tuple(sorted({0.0, *parse_numbers(values, float, f"--{option}s")})),
        seeds=parse_numbers(seeds, int, "--seeds"),
        option=option,
    )
    if len(plan.weights) < 2:
        raise FFLError(f"there is no {option} to compare with 0; pass --{option}s 0,1 or more")
    if paired_seeds and not plan.seeded:
        raise FFLError(
            "the command takes no seed, so the trainings cannot be paired; put {seed} into it, or omit "
            "--paired-seeds"
        )
    return plan


def _known_plan(out: Path) -> Plan:
    plan = read_plan(out)
    if plan is None:
        raise FFLError(f"{out} is not the folder of a sweep; pass one with --out")
    return plan


def _echo(line: str) -> None:
    click.echo(line, err=True)


def _split(line: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise FFLError(f"--then {line!r} is not a valid command: {error}") from None
