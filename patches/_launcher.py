"""Which loss a launcher trains with."""

from __future__ import annotations

import ast
import re

from ffl_plugin.patching import Clone, PatchError, Source
from ffl_plugin.patching.recipe import Check

_LOSS_CLASS = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*\.\w*Loss\w*")


def trains_only_with(name: str, file: str) -> Check:
    """Refuse unless every loss class that the file names as a string is the one that is patched.

    Launchers name classes by dotted strings. One that is not ``module.name`` of the patched file would train
    another loss, which lacks the option or fails on it.

    Args:
        name: the class.
        file: the recipe's path of the file that defines it.
    """

    def check(source: Source, clone: Clone) -> None:
        path = clone.files[file]
        named = [
            (node.value, node.lineno)
            for node in source.nodes
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and _LOSS_CLASS.fullmatch(node.value)
        ]
        for dotted, line in named:
            module, _, class_name = dotted.rpartition(".")
            wanted = f"{module.replace('.', '/')}.py"  # as seen from the folder of the clone
            same_class = class_name == name and f"/{path}".endswith(f"/{wanted}")
            if not same_class or not source.name.startswith(path[: -len(wanted)]):
                raise PatchError(
                    f"trains with {dotted}, and not only with {name} of {path}", file=source.name, line=line
                )
        if not named:
            raise PatchError(f"does not say that it trains with {name} of {path}", file=source.name)

    return check
