"""Which model a repository trains by default, where ``--model`` of its options chooses between several."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple, Optional

from ffl_plugin.patching import Clone, PatchError, Recipe, Source, pattern
from ffl_plugin.patching.search import find_files


class Default(NamedTuple):
    """The default of ``--model``.

    Args:
        file: that says so.
        model: its name, in lower case.
    """

    file: str
    model: str


def trained_by_default(recipes: Sequence[Recipe], clone: Clone) -> Optional[tuple[Recipe, Default]]:
    """Return the one of several recipes that patches the model of ``--model``'s default, and that default.

    None where the options do not tell it of every one of them.

    Raises:
        PatchError: the files of a recipe are not all there.
    """
    found: list[tuple[Recipe, Default]] = []
    for recipe in recipes:
        names = find_files(clone, recipe.adapted(clone)).values()
        model = next((name for name in names if PurePosixPath(name).stem.endswith("_model")), None)
        default = None if model is None else _default_beside(model, clone)
        if model is None or default is None:
            return None
        if default.model == _model_in(model):
            found.append((recipe, default))
    return found[0] if len(found) == 1 else None


def trains_another_by_default(source: Source, clone: Clone) -> Optional[str]:
    """Say of a model that ``--model`` has another default, with which the term is not trained."""
    own, default = _model_in(source.name), _default_beside(source.name, clone)
    if default is None or default.model == own:
        return None
    return f"{default.file}: --model is {default.model} by default, and the patch is for --model {own} alone"


def _model_in(file: str) -> str:
    return PurePosixPath(file).stem.replace("_model", "")


def _default_beside(model: str, clone: Clone) -> Optional[Default]:
    """What the options of the repository that a model's file is in have for ``--model``."""
    root = model.rpartition("/")[0].rpartition("/")[0]
    options = f"{root}/options/" if root else "options/"
    for name in clone.python_files:
        default = _default(clone, name) if name.startswith(options) else None
        if default is not None:
            return Default(name, default.lower())
    return None


def _default(clone: Clone, name: str) -> Optional[str]:
    try:
        source = clone.source(name)
    except PatchError:
        return None
    for call in pattern.occurrences("....add_argument('--model', ...)", source.tree):
        for keyword in getattr(call, "keywords", ()):
            if keyword.arg == "default" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return None
