"""What StyleGAN3 imports to run on today's torch: `ffl_plugin.integrations.torch2` under a name of its own.

A patch is known by its imports, so that two recipes with the same ones could not be told apart.
"""

from __future__ import annotations

import types

from ffl_plugin.integrations import _films, removed_modules, torch2
from ffl_plugin.integrations.torch2 import float_betas, numpy, torch

__all__ = ["float_betas", "numpy", "removed_modules", "torch"]  # and scipy and imageio, on demand


def __getattr__(name: str) -> types.ModuleType:
    return _films.imageio_that_stops() if name == "imageio" else torch2.__getattr__(name)
