"""The training script of a clone, and the command line to run it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ffl_plugin.patching import Clone, Recipe
from ffl_plugin.patching.apply import installed_status
from ffl_plugin.patching.search import find_files

_CHOICE = "--cfg="  # its value must be known to the launcher


@dataclass(frozen=True)
class Launcher:
    """The training script of a clone.

    Args:
        folder: the folder below the clone from which its scripts are run, ``""`` for the clone itself.
        script: the training script in that folder; None if unknown.
        files: paths of the recipe's files in the clone.
    """

    folder: str
    script: Optional[str]
    files: tuple[str, ...]


def find_launcher(recipe: Recipe, clone: Clone) -> Launcher:
    """Return the training script of a clone, patched or not.

    Raises:
        PatchError: a file of the recipe is missing.
    """
    found = installed_status(recipe, clone)
    names = {file.path: file.name for file in found.files if file.name is not None}
    names = names or find_files(clone, recipe)
    files = tuple(names.values())
    usual = recipe.train.split(" ")[1]
    if usual in names:
        folder, _, script = names[usual].rpartition("/")
        return Launcher(folder, script, files)
    folders = {name[: -len(path)].rstrip("/") for path, name in _upstream_paths(recipe, names) if path}
    folder = folders.pop() if len(folders) == 1 else ""
    paths = (name.rpartition("/") for name in clone.python_files)
    scripts = [script for parent, _, script in paths if parent == folder]
    trains = [name for name in scripts if re.search(r"(?<![a-z])train", name)]
    only = trains[0] if len(trains) == 1 else None
    there = usual in scripts or clone.has(f"{folder}/{usual}".lstrip("/"))  # a shell script is no Python file
    return Launcher(folder, usual if there else only, files)


def _upstream_paths(recipe: Recipe, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each file's path in the upstream, ``""`` if it has none, and its path in the clone.

    An adapted recipe has the clone's paths only.
    """
    upstream = [file.path for file in recipe.files]
    for path, name in names.items():
        paths = [path] if path in upstream else upstream
        yield max((each for each in paths if f"/{name}".endswith(f"/{each}")), key=len, default=""), name


def is_below_another(launcher: Launcher, clone: Clone) -> bool:
    """Whether a clone has a ``train.py`` of its own above the launcher's repository.

    Converters of checkpoints contain such copies, which nobody trains.
    """
    return bool(launcher.folder) and launcher.script is not None and clone.has("train.py")


def own_command(recipe: Recipe) -> str:
    """Return what to train with if the training script is unknown, and what enables the loss in it."""
    return ", and ".join(["your own script", *(each.removeprefix("# with ") for each in _switch(recipe))])


def _switch(recipe: Recipe) -> list[str]:
    """Return the end of a recipe's command, an option or a comment, that enables the loss, if it has one."""
    return re.findall(r"(?:--ffl|# ).*", recipe.train)


def training_command(recipe: Recipe, clone: Clone) -> Optional[str]:
    """Return a command that trains with the loss, for the folder where ``ffl-patch`` was called.

    It is the recipe's command with the clone's script; None if the script is unknown. If the clone lacks
    one of its options, three dots stand for the user's own.
    """
    launcher = find_launcher(recipe, clone)
    if launcher.script is None:
        return None
    program, usual, *options = recipe.train.split(" ")
    if launcher.script != usual:
        program = "python"
    names = {option.split("=")[0] for option in options if option.startswith("--") and "ffl" not in option}
    names |= {option.split("=")[1] for option in options if option.startswith(_CHOICE)}
    code = b"".join(clone.read(name) for name in clone.python_files if name.startswith(launcher.folder))
    if not all(re.search(rf"""['"]{name}['"]""".encode(), code) for name in names):
        options = ["...", *_switch(recipe)]
    folder = clone.root / launcher.folder
    change = "" if folder == Path() else f"cd {shlex.quote(folder.as_posix())} && "
    return f"{change}{program} {shlex.quote(launcher.script)} {' '.join(options)}"
