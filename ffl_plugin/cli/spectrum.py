"""``ffl-patch spectrum``: averaged spectra of image sets, and band-limited images."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cli._metrics import interruptible
from ffl_plugin.errors import readable


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--real",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Report the distance of each PATH from these images.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write spectra.png, spectra.csv and spectra.json.",
)
@click.option(
    "--bands",
    is_flag=True,
    help="With --out, also draw the first image of each PATH with frequency bands removed.",
)
@click.option(
    "--cutoff",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 0.75),
    help="Cutoff of the low-pass and high-pass filters, in cycles per pixel.",
)
@click.option(
    "--stop",
    nargs=2,
    default=(0.15, 0.3),
    show_default=True,
    type=click.FloatRange(0, 0.75),
    help="Edges of the band-stop filter, in cycles per pixel.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the radial profiles as CSV.")
@interruptible("run the same command again")
def command(
    paths: tuple[Path, ...],
    real: Optional[Path],
    out: Optional[Path],
    bands: bool,
    cutoff: float,
    stop: tuple[float, float],
    as_json: bool,
    as_csv: bool,
) -> None:
    """Measure the spectra of images or sets: folders, zips, result folders, or single files.

    \b
        ffl-patch spectrum --real faces.zip fakes-a fakes-b --out spectra
        ffl-patch spectrum photograph.png --bands --out spectra
    """
    from ffl_plugin.metrics import progress_bar
    from ffl_plugin.report.band_limits import band_limited, band_limits_png
    from ffl_plugin.report.outputs import SPECTRA
    from ffl_plugin.report.spectrum_report import measure, open_any, spectra_png

    if as_json and as_csv:
        raise click.UsageError("--json and --csv are mutually exclusive; --out writes both.")
    if bands and out is None:
        raise click.UsageError("--bands draws pictures: pass --out DIR.")
    if stop[0] >= stop[1]:
        raise click.UsageError(f"--stop needs the lower frequency first, not {stop[0]:g} {stop[1]:g}.")
    if out is not None:
        SPECTRA.check(out, [path for path in (real, *paths) if path is not None])
    with progress_bar() as progress:
        spectra = measure(paths, real, progress)
    plain = json_text(spectra.to_json())
    written: tuple[Path, ...] = ()
    if out is not None:
        files = {
            SPECTRA.record: plain.encode(),
            "spectra.csv": spectra.to_csv().encode("utf-8", "backslashreplace"),
            "spectra.png": spectra_png(spectra),
        }
        for number, path in enumerate(paths if bands else (), 1):
            source = open_any(path, "fake")
            columns = band_limited(source.read(0), cutoff=cutoff, stop=stop)
            files[f"bands-{number}.png"] = band_limits_png(columns, source.names[0])
        written = SPECTRA.write(out, files)
    click.echo(plain + "\n" if as_json else spectra.to_csv() if as_csv else spectra.to_text(), nl=False)
    for note in spectra.notes:
        click.echo(f"Note: {readable(note)}", err=True)
    for file in written:
        click.echo(f"wrote {readable(file)}", err=True)
