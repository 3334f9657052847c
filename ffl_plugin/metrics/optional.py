"""Packages of the optional extras, imported when needed, with one sentence when they are absent."""

from __future__ import annotations

import importlib
from typing import Any

from ffl_plugin.errors import FFLError


def require(module: str, purpose: str, *, extra: str = "metrics") -> Any:
    """Import ``module`` for ``purpose`` ("SSIM"), or raise ``FFLError`` that says what to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # something else is broken inside that package: hiding it would mislead
        raise FFLError(f"{purpose} needs the package {package}: pip install 'ffl-plugin[{extra}]'") from None
