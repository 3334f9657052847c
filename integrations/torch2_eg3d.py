"""`ffl_plugin.integrations.torch2_stylegan3` for EG3D, under its own module name."""

from __future__ import annotations

from ffl_plugin.integrations.torch2_stylegan3 import __getattr__, float_betas, numpy, removed_modules, torch

__all__ = ["__getattr__", "float_betas", "numpy", "removed_modules", "torch"]
