"""`ffl_plugin.integrations.torch2_stylegan3` for R3GAN, under its own module name."""

from __future__ import annotations

from ffl_plugin.integrations.torch2_stylegan3 import __getattr__, float_betas, removed_modules, torch

__all__ = ["__getattr__", "float_betas", "removed_modules", "torch"]
