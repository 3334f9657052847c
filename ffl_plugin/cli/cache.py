"""``ffl-patch cache``: what is kept between runs, how large it is, and removing it."""

from __future__ import annotations

import json
import time
from typing import Optional

import click

from ffl_plugin.cache import KINDS, Kept, cache_folder, kept, remove, unused


@click.command()
@click.option(
    "--prune", metavar="DAYS", type=click.FloatRange(0), help="Remove what was not used for so many days."
)
@click.option("--clear", is_flag=True, help="Remove everything.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(prune: Optional[float], clear: bool, as_json: bool) -> None:
    """Show what is kept between runs, and remove it.

    Features take 12 kB an image, under the hash of the image, protocol and weights; the scores of a pair 40
    bytes, under the hashes of its images; the spectra of a set as much as some 40 of its images in memory.
    Samples are images of StyleGAN networks. All of it is made or downloaded again when needed. The folder is
    FFL_CACHE, else ffl-plugin in the user's cache folder; files of others in it are left alone.
    """
    if clear and prune is not None:
        raise click.UsageError("--clear and --prune exclude each other.")
    folder = cache_folder()
    things = kept(folder)
    gone = things if clear else [] if prune is None else unused(things, prune)
    remove(gone)
    left = kept(folder)
    if as_json:
        kinds = {kind: _sums(left, kind) for kind in KINDS}
        removed = {"count": len(gone), "bytes": sum(thing.size for thing in gone)}
        click.echo(json.dumps({"folder": str(folder), "kinds": kinds, "removed": removed}))
        return
    if gone:
        click.echo(f"removed {_size(sum(thing.size for thing in gone))} in {len(gone):,}", err=True)
    click.echo(f"{folder}  {_size(sum(thing.size for thing in left))}")
    for kind in KINDS:
        of_kind = [thing for thing in left if thing.kind == kind]
        if of_kind:
            days = (time.time() - min(thing.used for thing in of_kind)) / 86400
            size = _size(sum(thing.size for thing in of_kind))
            click.echo(f"  {kind:<9} {size:>9} in {len(of_kind):,}, the oldest unused for {days:.0f} days")


def _sums(things: list[Kept], kind: str) -> dict[str, int]:
    sizes = [thing.size for thing in things if thing.kind == kind]
    return {"count": len(sizes), "bytes": sum(sizes)}


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
