"""``ffl-patch fid``: the distance between two sets of images, printed with its protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._metrics import RESUMABLE, interruptible, measuring_options

if TYPE_CHECKING:
    from ffl_plugin.report import MeasurementSettings


@click.command()
@click.argument("real", type=click.Path(path_type=Path))
@click.argument("fake", type=click.Path(path_type=Path))
@measuring_options("--weights", others=("pairs", "spectra"))
@click.option(
    "--clone",
    type=click.Path(path_type=Path),
    help="StyleGAN2-ADA or StyleGAN3 clone used to sample a network-snapshot-*.pkl given as FAKE.",
)
@click.option(
    "--samples",
    default=50_000,
    show_default=True,
    type=click.IntRange(1),
    help="Images to sample from a .pkl.",
)
@click.option("--cache", type=click.Path(path_type=Path), help="Cache folder. [env: FFL_CACHE]")
@click.option("--no-cache", is_flag=True, help="Do not cache features.")
@click.option("--device", help="Device, such as cuda:1 or cpu. [default: the GPU, if there is one]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one line of CSV per metric.")
@interruptible(RESUMABLE)
def command(
    real: Path,
    fake: Path,
    settings: MeasurementSettings,
    others: tuple[str, ...],
    clone: Optional[Path],
    samples: int,
    cache: Optional[Path],
    no_cache: bool,
    device: Optional[str],
    as_json: bool,
    as_csv: bool,
) -> None:
    """Fréchet Inception Distance between the images REAL and FAKE, or what --features measures.

    Each is a folder, a zip archive, a result folder of pix2pix, CycleGAN or SPADE, or an .npz of statistics
    (mu, sigma) or features. FAKE may also be a StyleGAN network pickle, sampled with the code of --clone in a
    subprocess.

    \b
        ffl-patch fid faces.zip generated/
        ffl-patch fid results/facades results/facades --metrics fid,pairs
        ffl-patch fid faces.zip generated/ --features dinov2
        ffl-patch fid faces.zip runs/00000/network-snapshot-001000.pkl --clone . --protocol stylegan2-ada
        torchrun --no-python --nproc-per-node=4 ffl-patch fid faces.zip generated/
    """
    from ffl_plugin.cache import cache_folder
    from ffl_plugin.metrics import progress_bar
    from ffl_plugin.metrics.distributed import process_group
    from ffl_plugin.metrics.evaluation import evaluate

    if cache is not None and no_cache:
        raise click.UsageError("--cache and --no-cache are mutually exclusive.")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv are mutually exclusive.")
    with process_group() as is_main, progress_bar(None if is_main else False) as progress:
        result = evaluate(
            real,
            fake,
            settings.features,
            others=others,
            lpips=settings.lpips,
            download=settings.download,
            clone=clone,
            samples=samples,
            cache=None if no_cache else cache or cache_folder(),
            device=device,
            progress=progress,
        )
    if not is_main:
        return
    for note in result.notes:
        click.echo(f"Note: {note}", err=True)
    if as_json:
        click.echo(json_text(result.as_json()))
    elif as_csv:
        click.echo(result.as_csv(), nl=False)
    else:
        for measurement in result.measurements:
            click.echo(_line(measurement))
    if result.refusal is not None:
        raise result.refusal


def _line(measurement: Any) -> str:
    spread = "" if measurement.spread is None else f" ± {measurement.spread:.4g}"
    numbers = f"{measurement.metric:<24} {measurement.value:>11.6g}{spread}"
    direction = f"{measurement.better} is better" if measurement.better else "1 is ideal"
    return f"{numbers}  ({direction}; {measurement.basis})"
