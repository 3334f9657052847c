"""Where the demo works: a folder of its own, and in it a training repository to patch."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

from ffl_plugin.errors import FFLError

MARKER = "ffl-demo.json"  # says that a demo wrote the folder, so that the next one may replace it
NOT_COPIED = (".git", "checkpoints", "results", "datasets", "wandb", "__pycache__")


def check_folder(out: Path) -> None:
    """Refuse, before anything is written, a folder that is not ours to write.

    Raises:
        FFLError: ``out`` is a file, or holds what no demo wrote.
    """
    if out.exists() and not out.is_dir():
        raise FFLError(f"{out} is a file; give --out the name of a folder")
    if out.exists() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise FFLError(f"{out} holds files that no demo wrote; give --out a new or an empty folder")


def check_clone(clone: Path) -> None:
    """Refuse what cannot be trained with ``train.py`` and applied with ``test.py``.

    Raises:
        FFLError: one of the two is missing.
    """
    for script in ("train.py", "test.py"):
        if not (clone / script).is_file():
            raise FFLError(
                f"{clone} has no {script}; give --repo a clone of junyanz/pytorch-CycleGAN-and-pix2pix"
            )


def make_folder(out: Path, settings: dict[str, Any]) -> None:
    """Make ``out`` afresh, with a marker that keeps ``settings``; what an earlier demo left there goes."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARKER).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def unpack_repository(folder: Path) -> None:
    """Write the embedded training repository to ``folder``."""
    with resources.as_file(resources.files("ffl_plugin.demo") / "repository") as embedded:
        shutil.copytree(embedded, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))


def copy_repository(clone: Path, folder: Path) -> None:
    """Copy a clone without its history, data and results; the clone itself stays as it is."""

    def ignored(parent: str, names: list[str]) -> set[str]:
        # The demo's folder may lie in the clone, and a copy must not contain itself.
        ours = {name for name in names if Path(parent, name).resolve() == folder.parent}
        return ours | (set(names) & set(NOT_COPIED) if Path(parent) == clone else set())

    shutil.copytree(clone, folder, symlinks=True, ignore=ignored)
