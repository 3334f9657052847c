"""Detection of tracers and transforms, which need plain differentiable operations."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import forward_ad


def is_traced(*images: Tensor) -> bool:
    """Whether these images are being traced or transformed.

    That is torch.compile, torch.export, torch.jit.trace, a transform such as vmap or grad, a mode that
    records operations such as make_fx, or forward-mode differentiation.
    """
    compiler = getattr(torch, "compiler", None)  # torch 2.0 has none
    return bool(
        (compiler is not None and compiler.is_compiling())
        or torch._C._get_tracing_state() is not None
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack()
        or (forward_ad._current_level >= 0 and any(map(_has_tangent, images)))
    )


def _has_tangent(image: Tensor) -> bool:
    """Whether an image carries the tangent of forward-mode differentiation."""
    return forward_ad.unpack_dual(image).tangent is not None  # type: ignore[no-untyped-call]
