"""What StyleGAN2-ADA and StyleGAN3 import to run on today's torch, numpy and scipy, and without CUDA.

``torch``, ``numpy`` and ``scipy`` here are views of the libraries in which the few names that changed since
torch 1.7 mean what upstream's code expects. Only a file that imports them from here sees the difference.
Where CUDA is at hand, ``torch`` differs in two names: ``torch.utils.data.Sampler`` and
``torch.nn.parallel.DistributedDataParallel``.
"""

from __future__ import annotations

import types
from typing import Any, Optional

import numpy as _numpy
import torch as _torch

from ffl_plugin.integrations import _films, _square_root
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

# upfirdn2d forgets that it has tried to build its kernels: where that fails, it would try at every call.
TRY_TO_BUILD_ONCE = True

# Convolutions can be differentiated twice since torch 1.11; the upstream's own way around prints a warning at
# each of them, because it does not know this torch.
NEEDS_CONV2D_GRADFIX = False


def fp32_without_cuda(fp32: Optional[bool]) -> Optional[bool]:
    """Return the value for ``--fp32``: true where it was not given and there is no CUDA.

    A CPU convolves about 35 times slower in half precision than in single (torch 2.13, measured).
    """
    return True if fp32 is None and not _torch.cuda.is_available() else fp32


def float_betas(*optimizer_options: dict[str, Any]) -> None:
    """Make the ``betas`` of each optimizer's options floats, in place: Adam refuses ``[0, 0.99]`` by now."""
    for options in optimizer_options:
        options["betas"] = [float(beta) for beta in options["betas"]]


class _Sampler(_torch.utils.data.Sampler[int]):
    """The base class of samplers that still takes a data set."""

    def __init__(self, data_source: object = None) -> None:
        """Keep nothing, as ever."""


def _percentile(values: Any, q: Any, interpolation: Optional[str] = None, **keywords: Any) -> Any:
    """`numpy.percentile` with the name that ``method`` had before numpy 1.22."""
    if interpolation is not None:
        keywords["method"] = interpolation
    return _numpy.percentile(values, q, **keywords)


def _scipy() -> types.ModuleType:
    import scipy.linalg

    wrong = _square_root.scipy_is_wrong(scipy.__version__)

    def sqrtm(matrix: Any, disp: bool = True) -> Any:
        """`scipy.linalg.sqrtm` as before 1.18: with ``disp=False`` it returns the relative error as well.

        Ours in the versions of scipy whose own is wrong.
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
    # Imported only by the metric and the script that need them.
    if name == "scipy":
        return _scipy()
    if name == "imageio":
        return _films.imageio_that_goes_without()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


torch = _torch_of_this_machine()
numpy = StandIn(_numpy, percentile=_percentile)
