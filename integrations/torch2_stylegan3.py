"""`ffl_plugin.integrations.torch2` for StyleGAN3, under its own module name.

A patch is identified by its imports, so two recipes with the same imports would be indistinguishable.
"""

from __future__ import annotations

import types

from ffl_plugin.integrations import _video, removed_modules, torch2
from ffl_plugin.integrations.torch2 import float_betas, numpy, torch

__all__ = ["float_betas", "numpy", "removed_modules", "torch"]  # and scipy and imageio, on demand


def __getattr__(name: str) -> types.ModuleType:
    return _video.imageio_or_exit() if name == "imageio" else torch2.__getattr__(name)
