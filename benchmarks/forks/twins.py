"""Entries whose models are byte for byte the same, so that one training step speaks for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ffl_plugin.patches import all_recipes
from forks.entries import Entry
from forks.step import IMAGE_MODELS


def same_models(entries: Sequence[Entry], clones: Path) -> dict[tuple[str, str, str], Entry]:
    """For the key of each entry with one file to patch, the entry above it whose file has the same bytes."""
    same: dict[tuple[str, str, str], Entry] = {}
    first: dict[tuple[str, bytes], Entry] = {}
    for entry in entries:
        files = all_recipes()[entry.target].files
        if entry.target not in IMAGE_MODELS or len(files) > 1 or entry.expect != "applies" or entry.step:
            continue
        root = clones / entry.clone_name / entry.folder
        found = sorted(path for path in root.rglob(Path(files[0].path).name) if path.is_file())
        if len(found) != 1:
            continue
        above = first.setdefault((entry.target, found[0].read_bytes()), entry)
        if above is not entry:
            same[entry.key] = above
    return same
