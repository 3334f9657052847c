"""Says where a repository trains another model by default than the one that is patched."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import Optional

from ffl_plugin.patching import Clone, PatchError, Source, pattern


def trains_another_by_default(source: Source, clone: Clone) -> Optional[str]:
    """Say of a model that ``--model`` has another default, with which the term is not trained."""
    own = PurePosixPath(source.name).stem.replace("_model", "")
    root = source.name.rpartition("/")[0].rpartition("/")[0]
    options = f"{root}/options/" if root else "options/"
    for name in clone.python_files:
        default = _default(clone, name) if name.startswith(options) else None
        if default is not None and default.lower() != own:
            return f"{name}: --model is {default} by default, and the patch is for --model {own} alone"
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
