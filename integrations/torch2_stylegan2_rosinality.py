"""Compatibility of rosinality's stylegan2-pytorch with current torch and torchvision, and without CUDA.

``torch``, ``nn`` and ``utils`` are views of the libraries that restore the torch 1.7 behaviour of the few
names that changed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import types
from collections.abc import Sequence
from typing import Any

import torch as _torch
from torch import nn as _nn
from torch.utils import cpp_extension

from ffl_plugin.integrations import _process
from ffl_plugin.integrations._distributed import DistributedDataParallel
from ffl_plugin.integrations._kernels import KERNELS
from ffl_plugin.integrations._stand_in import StandIn
from ffl_plugin.integrations._without_cuda import torch_without_cuda

__all__ = ["load", "nn", "of_this_machine", "started_by_torchrun", "torch", "utils"]


def of_this_machine(device: str) -> str:
    """Return the training device: the CPU without CUDA."""
    return device if _torch.cuda.is_available() else "cpu"


def started_by_torchrun(parser: argparse.ArgumentParser) -> None:
    """Take ``--local_rank`` from ``LOCAL_RANK``, which ``torchrun`` sets, and accept its current spelling."""
    parser.add_argument("--local-rank", type=int, dest="local_rank", help=argparse.SUPPRESS)
    parser.set_defaults(local_rank=int(os.environ.get("LOCAL_RANK", "0")))


def load(name: str, sources: Sequence[str], **options: Any) -> Any:
    """Build upstream's kernels with `torch.utils.cpp_extension.load`, or return torch operations instead.

    Nothing is built without CUDA. If the build fails, usually because nvcc is missing, a warning is printed.
    """
    if not _torch.cuda.is_available():
        return KERNELS[name]
    try:
        return cpp_extension.load(name, sources=list(sources), **options)
    except (OSError, RuntimeError, ImportError) as problem:
        reason = str(problem).partition("\n")[0]
        _process.warn(f"the kernel {name} cannot be built ({reason}); using torch operations instead")
        return KERNELS[name]


def _load(file: Any, map_location: Any = None, **options: Any) -> Any:
    """Call `torch.load` for a checkpoint that contains options, on the CPU without CUDA."""
    if map_location is None and not _torch.cuda.is_available():
        map_location = "cpu"
    return _torch.load(file, map_location=map_location, **{"weights_only": False, **options})


class _TorchvisionUtils(types.ModuleType):
    """``torchvision.utils``, imported lazily."""

    def save_image(self, tensor: Any, path: Any, **options: Any) -> None:
        """Save images as before torchvision 0.12, where ``value_range`` was ``range``."""
        if "range" in options:
            options["value_range"] = options.pop("range")
        importlib.import_module(self.__name__).save_image(tensor, path, **options)

    def __getattr__(self, name: str) -> Any:
        """Look up other names in the module."""
        return getattr(importlib.import_module(self.__name__), name)


def _jit_get_operation(name: str) -> Any:
    """Return an operation, with the signature of torch 1.7 for the gradients of ``grid_sample``."""
    if name != "aten::grid_sampler_2d_backward":
        return _torch._C._jit_get_operation(name)
    return lambda *arguments: _torch.ops.aten.grid_sampler_2d_backward(*arguments, (True, True))


def _torch_of_this_machine() -> types.ModuleType:
    changed = {"load": _load, "_C": StandIn(_torch._C, _jit_get_operation=_jit_get_operation)}
    return StandIn(_torch, **changed) if _torch.cuda.is_available() else torch_without_cuda(**changed)


torch = _torch_of_this_machine()
nn = StandIn(_nn, parallel=StandIn(_nn.parallel, DistributedDataParallel=DistributedDataParallel))
utils = _TorchvisionUtils("torchvision.utils")
