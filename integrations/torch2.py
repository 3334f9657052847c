"""Views of torch, numpy and scipy on which StyleGAN2-ADA and StyleGAN3 run, with or without CUDA.

In the views ``torch``, ``numpy`` and ``scipy``, the few names that changed since torch 1.7 behave as the
upstream expects. Only files that import them from here are affected. With CUDA, ``torch`` differs in two
names: ``torch.utils.data.Sampler`` and ``torch.nn.parallel.DistributedDataParallel``.
"""

from __future__ import annotations

import types
from typing import Any, Optional

import numpy as _numpy
import torch as _torch

from ffl_plugin.integrations import _square_root, _video
from ffl_plugin.integrations._distributed import DistributedDataParallel
from ffl_plugin.integrations._grid_sample import grid_sample
from ffl_plugin.integrations._stand_in import StandIn
from ffl_plugin.integrations._without_cuda import torch_without_cuda

__all__ = [  # and scipy and imageio, on demand
    "NEEDS_CONV2D_GRADFIX",
    "TRY_TO_BUILD_ONCE",
    "float_betas",
    "fp32_without_cuda",
    "grid_sample",
    "numpy",
    "torch",
]

# upfirdn2d does not remember a failed kernel build, and would retry at every call.
TRY_TO_BUILD_ONCE = True

# Convolutions are twice differentiable since torch 1.11; the upstream's workaround prints a warning at every
# call, because it does not know this torch version.
NEEDS_CONV2D_GRADFIX = False


def fp32_without_cuda(fp32: Optional[bool]) -> Optional[bool]:
    """Return the value of ``--fp32``: true if it was not given and there is no CUDA.

    A CPU convolves about 35 times slower in half than in single precision (torch 2.13, measured).
    """
    return True if fp32 is None and not _torch.cuda.is_available() else fp32


def float_betas(*optimizer_options: dict[str, Any]) -> None:
    """Convert each optimizer's ``betas`` to floats, in place: Adam now rejects ``[0, 0.99]``."""
    for options in optimizer_options:
        options["betas"] = [float(beta) for beta in options["betas"]]


class _Sampler(_torch.utils.data.Sampler[int]):
    """A sampler base class that still accepts a data set."""

    def __init__(self, data_source: object = None) -> None:
        """Ignore the data set, as the original did."""


def _percentile(values: Any, q: Any, interpolation: Optional[str] = None, **keywords: Any) -> Any:
    """`numpy.percentile` that accepts ``interpolation``, the name of ``method`` before numpy 1.22."""
    if interpolation is not None:
        keywords["method"] = interpolation
    return _numpy.percentile(values, q, **keywords)


def _scipy() -> types.ModuleType:
    import scipy.linalg

    wrong = _square_root.scipy_is_wrong(scipy.__version__)

    def sqrtm(matrix: Any, disp: bool = True) -> Any:
        """`scipy.linalg.sqrtm` as before 1.18: with ``disp=False`` it returns the relative error as well.

        Uses `square_root` for the scipy versions whose own result is wrong.
        """
        root = _square_root.square_root(matrix) if wrong else scipy.linalg.sqrtm(matrix)
        if disp:
            return root
        return root, scipy.linalg.norm(root @ root - matrix) / scipy.linalg.norm(matrix)

    return StandIn(scipy, linalg=StandIn(scipy.linalg, sqrtm=sqrtm))


def _torch_of_this_machine() -> types.ModuleType:
    parallel = StandIn(_torch.nn.parallel, DistributedDataParallel=DistributedDataParallel)
    changed = {
        "nn": StandIn(_torch.nn, parallel=parallel),
        "utils": StandIn(_torch.utils, data=StandIn(_torch.utils.data, Sampler=_Sampler)),
    }
    return StandIn(_torch, **changed) if _torch.cuda.is_available() else torch_without_cuda(**changed)


def __getattr__(name: str) -> types.ModuleType:
    # Imported on demand by the metric and the script that need them.
    if name == "scipy":
        return _scipy()
    if name == "imageio":
        return _video.imageio_or_no_video()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


torch = _torch_of_this_machine()
numpy = StandIn(_numpy, percentile=_percentile)
