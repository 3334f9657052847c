"""Twice-differentiable bilinear sampling, on every torch from 2.0.

R1 differentiates the discriminator's gradient, which with ADA has passed through ``grid_sample``. torch 2.13
has that second derivative; older versions stop with "derivative for aten::grid_sampler_2d_backward is not
implemented" (reported up to 2.5.1). Here it follows from the linearity of the operation, on every version.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_BILINEAR, _ZEROS = 0, 0  # the operator's mode numbers


def grid_sample(input: Tensor, grid: Tensor) -> Tensor:
    """Sample images at the points of a grid: bilinear, zeros outside, ``align_corners=False``.

    With S the sampling at a fixed grid, output = S input, so the gradient is Sᵀ and the gradient of the
    gradient is S: derivatives of any order with respect to ``input``.

    Args:
        input: images (N, C, H, W).
        grid: points (N, H_out, W_out, 2) in [-1, 1], x before y. If the grid requires a gradient, torch's own
            operation is used, with the derivatives it supports.

    Returns:
        Samples (N, C, H_out, W_out).
    """
    if grid.requires_grad:
        return _sample(input, grid)
    output: Tensor = _Sample.apply(input, grid)  # type: ignore[no-untyped-call]
    return output


def _sample(input: Tensor, grid: Tensor) -> Tensor:
    return functional.grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


class _Sample(torch.autograd.Function):
    """S."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        # The derivative does not depend on the images, only on their shape.
        ctx.like = input.new_zeros(()).expand(input.shape)
        return _sample(input, grid)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _SampleTranspose.apply(gradient, ctx.like, grid), None  # type: ignore[no-untyped-call]


class _SampleTranspose(torch.autograd.Function):
    """Sᵀ."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, like: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        transposed: Tensor = torch.ops.aten.grid_sampler_2d_backward(
            gradient, like, grid, _BILINEAR, _ZEROS, False, (True, False)
        )[0]
        return transposed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(gradient, grid), None, None  # type: ignore[no-untyped-call]
