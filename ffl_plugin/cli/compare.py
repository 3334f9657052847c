"""``ffl-patch compare``: a training against a baseline, in numbers and on one page."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import click
from click.core import ParameterSource

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._metrics import RESUMABLE, interruptible, measuring_options
from ffl_plugin.errors import readable

if TYPE_CHECKING:
    from ffl_plugin.report import MeasurementSettings


class SeveralValues(click.Command):
    """A command whose repeatable options also accept several values at once: ``--before A1 A2 A3``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each further value, then parse as usual."""
        repeatable = {
            name for p in self.params if isinstance(p, click.Option) and p.multiple for name in p.opts
        }
        expanded: list[str] = []
        option: Optional[str] = None
        for argument in args:
            if argument.startswith("-") and argument != "-":
                option = argument if argument in repeatable else None
                if option is None:
                    expanded.append(argument)
            elif option is not None:
                expanded += [option, argument]
            else:
                expanded.append(argument)
        return super().parse_args(ctx, expanded)


@click.command(cls=SeveralValues)
@click.option(
    "--real", metavar="PATH", help="Real images. Not needed for runs, or result folders that contain them."
)
@click.option(
    "--before",
    metavar="PATH...",
    multiple=True,
    required=True,
    help="Results of the baseline; repeat for more seeds.",
)
@click.option(
    "--after",
    metavar="PATH...",
    multiple=True,
    required=True,
    help="Results of the changed training; repeat for more seeds.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write report.html, comparison.json, .csv, overview.png.",
)
@click.option(
    "--pairs/--sets",
    default=None,
    help="Require images paired by name, or compare as sets. [default: depends on the names]",
)
@measuring_options("--weights")
@click.option(
    "--clone", metavar="DIR", help="StyleGAN2-ADA or StyleGAN3 clone used to sample network-snapshot-*.pkl."
)
@click.option(
    "--samples",
    default=50_000,
    show_default=True,
    type=click.IntRange(1),
    help="Images to sample from each .pkl, starting at seed 0.",
)
@click.option(
    "--classes",
    metavar="N",
    type=click.IntRange(2, 65536),
    help="The images are predicted label maps of N classes, --real the true ones: compare mIoU and accuracy.",
)
@click.option(
    "--ignore", "ignored", default=255, show_default=True, metavar="CLASS", type=click.IntRange(0),
    help="Class in the true label maps to exclude.",
)  # fmt: skip
@click.option(
    "--resize", metavar="WxH",
    help="Resize real images first, such as to 256x256. [default: as recorded by the training]",
)  # fmt: skip
@click.option(
    "--paired-seeds/--no-paired-seeds",
    help="Training i before and training i after have the same seed: compare them seed by seed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the table as CSV.")
@click.pass_context
@interruptible(RESUMABLE)
def command(
    ctx: click.Context,
    real: Optional[str],
    before: tuple[str, ...],
    after: tuple[str, ...],
    out: Optional[Path],
    pairs: Optional[bool],
    settings: MeasurementSettings,
    clone: Optional[str],
    samples: int,
    classes: Optional[int],
    ignored: int,
    resize: Optional[str],
    paired_seeds: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Compare a training with a baseline: metrics, spectra, curves and a verdict.

    PATH is a folder or zip of images, a result folder (pix2pix, CycleGAN, CUT, SPADE …), a StyleGAN network
    pickle, sampled with the code of --clone in a subprocess, or a StyleGAN run folder, whose metric-*.jsonl
    are compared as curves.

    \b
        ffl-patch compare --real faces.zip --before fakes-a --after fakes-b --out report
        ffl-patch compare --before results/base --after results/ffl
        ffl-patch compare --before run-a1 run-a2 --after run-b1 run-b2
        ffl-patch compare --real faces.zip --before a.pkl --after b.pkl --clone stylegan2-ada-pytorch
        ffl-patch compare --real label-maps --before predicted-a --after predicted-b --classes 19
    """
    from ffl_plugin.metrics import progress_bar
    from ffl_plugin.report import check_folder, compare, to_csv, to_text, write_report

    if as_json and as_csv:
        raise click.UsageError("--json and --csv are mutually exclusive; --out writes both.")
    if out is not None:
        check_folder(out, [Path(path) for path in (real, *before, *after) if path is not None])
    with progress_bar() as progress:
        comparison = compare(
            real=real,
            before=before,
            after=after,
            settings=replace(
                settings,
                pairs=pairs,
                clone=clone,
                samples=samples,
                classes=classes,
                ignored=ignored,
                resize=resize,
                paired_seeds=paired_seeds,
                progress=progress,
            ),
            command=_command_line(ctx),
        )
    written = write_report(comparison, out) if out is not None else ()
    if as_json:
        click.echo(json_text(comparison.to_json()))
    else:
        click.echo(to_csv(comparison) if as_csv else to_text(comparison), nl=False)
    for path in written:
        click.echo(f"wrote {readable(path)}", err=True)


def _command_line(ctx: click.Context) -> str:
    """The command line as given, for running it again."""
    words: list[str] = ["ffl-patch", "compare"]
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if given and isinstance(parameter, click.Option):
            words += _spelled(parameter, ctx.params[str(parameter.name)])
    return shlex.join(words)


def _spelled(option: click.Option, value: Any) -> list[str]:
    if option.is_flag:
        return [option.opts[0] if value else option.secondary_opts[0]]
    if isinstance(value, tuple) and not option.multiple:
        return [option.opts[0], ",".join(value)]
    return [option.opts[0], *map(str, value if option.multiple else [value])]
