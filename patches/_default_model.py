"""The default model of a repository whose ``--model`` option selects one of several."""

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
        file: file that defines it.
        model: name in lower case.
    """

    file: str
    model: str


def trained_by_default(recipes: Sequence[Recipe], clone: Clone) -> Optional[tuple[Recipe, Default]]:
    """Return the recipe that patches the default of ``--model``, and that default.

    None if the options do not determine it for all recipes.

    Raises:
        PatchError: a file of a recipe is missing.
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
    """Remark if ``--model`` defaults to another model, which is trained without the term."""
    own, default = _model_in(source.name), _default_beside(source.name, clone)
    if default is None or default.model == own:
        return None
    return f"{default.file}: --model defaults to {default.model}, but the patch applies only to --model {own}"


def _model_in(file: str) -> str:
    return PurePosixPath(file).stem.replace("_model", "")


def _default_beside(model: str, clone: Clone) -> Optional[Default]:
    """Return the default of ``--model`` in the options of the repository that contains a model's file."""
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
