"""What StyleGAN3 imports to run on today's torch: `ffl_plugin.integrations.torch2` under a name of its own.

A patch is known by its imports, so that two recipes with the same ones could not be told apart.
"""

from __future__ import annotations

from ffl_plugin.integrations import removed_modules
from ffl_plugin.integrations.torch2 import __getattr__, float_betas, numpy, torch

__all__ = ["__getattr__", "float_betas", "numpy", "removed_modules", "torch"]
