"""Lazy imports of packages from optional extras, with a one-sentence error if they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from ffl_plugin.errors import FFLError


def require(module: str, purpose: str, *, extra: str = "metrics") -> Any:
    """Import ``module`` for ``purpose`` ("SSIM"), or raise ``FFLError`` with the installation command."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # another error inside that package
        raise FFLError(f"{purpose} needs the package {package}: pip install 'ffl-plugin[{extra}]'") from None
