"""``ffl-patch cache``: show the cache and its size, and remove entries."""

from __future__ import annotations

import time
from typing import Optional

import click

from ffl_plugin.as_text import json_text
from ffl_plugin.cache import KINDS, CacheEntry, cache_folder, list_entries, remove, unused


@click.command()
@click.option(
    "--prune", metavar="DAYS", type=click.FloatRange(0), help="Remove entries not used for this many days."
)
@click.option("--clear", is_flag=True, help="Remove everything.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(prune: Optional[float], clear: bool, as_json: bool) -> None:
    """Show the cache and remove entries.

    Features take 12 kB per image, keyed by the hash of the image, protocol and weights; the scores of a pair
    40 bytes, keyed by the hashes of its images; the spectra of a set as much as about 40 of its images in
    memory. Samples are images of StyleGAN networks. Everything is recomputed or downloaded again on demand.
    The folder is FFL_CACHE, else ffl-plugin in the user's cache folder; other files in it are left alone.
    """
    if clear and prune is not None:
        raise click.UsageError("--clear and --prune are mutually exclusive.")
    folder = cache_folder()
    entries = list_entries(folder)
    gone = entries if clear else [] if prune is None else unused(entries, prune)
    remove(gone)
    left = list_entries(folder)
    of_kinds = {kind: [entry for entry in left if entry.kind == kind] for kind in KINDS}
    if as_json:
        kinds = {kind: _sums(entries) for kind, entries in of_kinds.items()}
        click.echo(json_text({"folder": str(folder), "kinds": kinds, "removed": _sums(gone)}))
        return
    if gone:
        click.echo(f"removed {_size(gone)} in {len(gone):,}", err=True)
    click.echo(f"{folder}  {_size(left)}")
    for kind, entries in of_kinds.items():
        if entries:
            days = (time.time() - min(entry.used for entry in entries)) / 86400
            size, count = _size(entries), len(entries)
            click.echo(f"  {kind:<9} {size:>9} in {count:,}, the oldest unused for {days:.0f} days")


def _sums(entries: list[CacheEntry]) -> dict[str, int]:
    return {"count": len(entries), "bytes": sum(entry.size for entry in entries)}


def _size(entries: list[CacheEntry]) -> str:
    size = float(_sums(entries)["bytes"])
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
