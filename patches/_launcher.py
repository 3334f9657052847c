"""The loss class that a StyleGAN launcher trains with."""

from __future__ import annotations

import ast
import re

from ffl_plugin.patching import Clone, PatchError, Source
from ffl_plugin.patching.recipe import Check

LOSS_FILE = "training/loss.py"

_LOSS_CLASS = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*\.\w*Loss\w*")


def trained_class(clone: Clone, definitions: tuple[str, ...], usual: str) -> str:
    """Return the loss class that a clone's launcher trains with, by its name there.

    Args:
        clone: the clone.
        definitions: of the launcher.
        usual: the upstream's class; returned if launchers name none, several, or one that does not exist.

    Raises:
        PatchError: the class has no ``accumulate_gradients`` of its own.
    """
    named = {
        (dotted, name, line)
        for name in clone.defining(definitions)
        for dotted, line in _named_losses(clone.source(name))
    }
    if len({dotted for dotted, _, _ in named}) != 1:
        return usual
    dotted, launcher, line = min(named)
    module, _, class_name = dotted.rpartition(".")
    file = clone.module(module.split("."), launcher)
    if class_name == usual or file is None or not clone.defines(file, (class_name,)):
        return usual
    if not clone.defines(file, (f"{class_name}.__init__", f"{class_name}.accumulate_gradients")):
        raise PatchError(
            f"trains with {dotted}, which has no __init__ and accumulate_gradients of its own",
            file=launcher,
            line=line,
        )
    return class_name


def trains_only_with(name: str) -> Check:
    """Refuse unless every loss class that a launcher names is the patched one, ``name`` of `LOSS_FILE`.

    Launchers name classes by dotted strings. Any other loss would ignore the option, or fail on it.
    """

    def check(source: Source, clone: Clone) -> None:
        path = clone.files[LOSS_FILE]
        named = _named_losses(source)
        for dotted, line in named:
            if not _is_class(dotted, name, path, source):
                only = "only " if any(_is_class(each, name, path, source) for each, _ in named) else ""
                raise PatchError(
                    f"trains with {dotted}, not {only}with {name} of {path}", file=source.name, line=line
                )
        if not named:
            raise PatchError(f"does not name {name} of {path} as its loss", file=source.name)

    return check


def _named_losses(launcher: Source) -> list[tuple[str, int]]:
    """Return the dotted names of loss classes in a launcher's strings, with their lines."""
    return [
        (node.value, node.lineno)
        for node in launcher.nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _LOSS_CLASS.fullmatch(node.value)
    ]


def _is_class(dotted: str, name: str, path: str, launcher: Source) -> bool:
    """Whether ``module.Class`` in a launcher refers to the class of that name in that file."""
    module, _, class_name = dotted.rpartition(".")
    wanted = f"{module.replace('.', '/')}.py"  # as seen from the folder of the clone
    same_class = class_name == name and f"/{path}".endswith(f"/{wanted}")
    return same_class and launcher.name.startswith(path[: -len(wanted)])
