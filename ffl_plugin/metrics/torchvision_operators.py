"""Imports torchvision beside a CPU-only torch, for which it has no compiled operators.

Its pure-Python parts (models, transforms), which torch-fidelity, lpips and pytorch-fid need, register fake
implementations of two compiled operators at import, and fail if these are not declared.
"""

from __future__ import annotations

import warnings
from functools import cache

import torch

from ffl_plugin.metrics.optional import require

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_LIBRARIES: list[torch.library.Library] = []  # a declaration lives as long as its library


@cache
def import_torchvision() -> None:
    """Make ``import torchvision`` work; no effect if its compiled operators load."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Failed to load image Python extension")
        try:
            require("torchvision", "Measuring")
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
            library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
            for schema in _SCHEMAS:
                library.define(schema)  # type: ignore[no-untyped-call]
            _LIBRARIES.append(library)
            require("torchvision", "Measuring")
