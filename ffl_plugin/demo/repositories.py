"""The demo's output folder, and the training repository in it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ffl_plugin.as_text import json_text
from ffl_plugin.errors import FFLError
from ffl_plugin.report.outputs import OutputFolder

# A folder written by a demo, which the next one may replace.
FOLDER = OutputFolder("demo", "ffl-demo.json", "seed", others=r"[^\0]*")
# Flags that only some versions need, to train on a CPU and without a visdom server.
FLAGS_OF_SOME_VERSIONS = {"--gpu_ids": ["-1"], "--display_id": ["0"], "--no_html": []}
NOT_COPIED = (".git", "checkpoints", "results", "datasets", "wandb", "__pycache__")


def check_clone(clone: Path) -> None:
    """Refuse a clone without ``train.py`` or ``test.py``.

    Raises:
        FFLError: one of them is missing.
    """
    for script in ("train.py", "test.py"):
        if not (clone / script).is_file():
            raise FFLError(
                f"{clone} has no {script}; pass a clone of junyanz/pytorch-CycleGAN-and-pix2pix with --repo"
            )


def make_folder(out: Path, settings: dict[str, Any]) -> None:
    """Create ``out`` with a record of ``settings``, deleting an earlier demo's files."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / FOLDER.record).write_text(json_text(settings, indent=1) + "\n", encoding="utf-8")


def unpack_repository(folder: Path) -> None:
    """Write the embedded training repository to ``folder``."""
    with resources.as_file(resources.files("ffl_plugin.demo") / "repository") as embedded:
        shutil.copytree(embedded, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))


def copy_repository(clone: Path, folder: Path) -> None:
    """Copy a clone without its history, data and results; the clone is not changed."""

    def ignored(parent: str, names: list[str]) -> set[str]:
        # The demo's folder may be inside the clone, and a copy must not contain itself.
        demo = {name for name in names if Path(parent, name).resolve() == folder.parent}
        return demo | (set(names) & set(NOT_COPIED) if Path(parent) == clone else set())

    shutil.copytree(clone, folder, symlinks=True, ignore=ignored)


def flags_of_version(
    repository: Path, file: str, flags: Sequence[str] = tuple(FLAGS_OF_SOME_VERSIONS)
) -> list[str]:
    """Return those of `FLAGS_OF_SOME_VERSIONS`, with values, that ``options/FILE`` of a clone defines."""
    known = (repository / "options" / file).read_text(encoding="utf-8", errors="replace")
    return [word for flag in flags if flag in known for word in (flag, *FLAGS_OF_SOME_VERSIONS[flag])]
