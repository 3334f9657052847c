"""Value and gradient of the pairwise distance together, in few passes over memory: the path of training.

With weights w held fixed the distance E = mean(w |D|²) is quadratic in d = pred - target. Its gradient is
G = 2/n · F⁻¹(w D), so E = ½ <d, G> (Euler): one real transform, one inverse, no whole spectrum. Both are
computed in the forward pass, block by block, so that a block's spectrum stays in the cache; only G is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

import torch
from torch import Tensor

from ffl_plugin.distance import Weighting, at_least_single, focal_weight_, pairwise_distance, share_of_batch
from ffl_plugin.spectrum import half_spectrum, image_of, patches, power

# Pixels per block. On a CPU 2 MiB of float32, which with its spectrum fits the cache; elsewhere enough to
# keep a GPU busy, and a bound on what a large batch takes.
CPU_BLOCK = 2**19
BLOCK = 2**24


class FusedDistance(torch.autograd.Function):
    """:func:`ffl_plugin.distance.pairwise_distance`, with its gradient computed in the forward pass."""

    @staticmethod
    def forward(ctx: Any, pred: Tensor, target: Tensor, weighting: Weighting) -> Tensor:
        """(N, C, H, W) twice -> (N,)."""
        ctx.gradient, distance = gradient_and_distance(pred, target, weighting)
        ctx.weighting, ctx.dtypes = weighting, (pred.dtype, target.dtype)
        ctx.save_for_backward(pred, target)
        return distance

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Optional[Tensor], Optional[Tensor], None]:
        """Scale the gradient at hand, in place; it is gone then, and computed anew if asked for again."""
        if torch.is_grad_enabled():
            return _differentiate(ctx, grad_output)
        gradient, ctx.gradient = ctx.gradient, None
        if gradient is None:
            pred, target = ctx.saved_tensors
            gradient, _ = gradient_and_distance(pred, target, ctx.weighting)
        gradient.mul_(grad_output.reshape(-1, 1, 1, 1))
        needs_pred, needs_target, _ = ctx.needs_input_grad
        pred_dtype, target_dtype = ctx.dtypes
        return (
            gradient.to(pred_dtype) if needs_pred else None,
            gradient.neg().to(target_dtype) if needs_target else None,
            None,
        )


def gradient_and_distance(pred: Tensor, target: Tensor, weighting: Weighting) -> tuple[Tensor, Tensor]:
    """Return the gradient of each distance by ``pred``, (N, C, H, W), and the distances, (N,)."""
    dtype = at_least_single(pred, target)
    gradient = torch.empty_like(pred, dtype=dtype)
    grid = patches(gradient, weighting.patch_factor)
    distance = gradient.new_empty((*grid.shape[:-2], 1, 1))
    peak = torch.empty_like(distance)
    given = None if weighting.matrix is None else weighting.matrix.expand(*grid.shape[:-2], -1, -1)
    scale = 2 / pred[0].numel()
    for rows, channels in _blocks(pred):
        block = (rows, ..., channels, slice(None), slice(None))
        difference = patches(pred[block].to(dtype) - target[block], weighting.patch_factor)
        spectrum = half_spectrum(difference)
        if given is None:
            weight, peak[block] = focal_weight_(power(spectrum), weighting)
        else:
            weight = given[block]
        image = image_of(spectrum.mul_(weight), difference.shape[-1])  # F⁻¹(w D)
        torch.mul(image, scale, out=grid[block])
        distance[block] = difference.mul_(image).sum((-2, -1), keepdim=True)
    if weighting.batch_matrix and given is None:
        share = share_of_batch(peak)
        grid.mul_(share)
        distance.mul_(share)
    return gradient, distance.flatten(1).sum(1).mul_(scale / 2)


def _blocks(images: Tensor) -> Iterator[tuple[slice, slice]]:
    """Cut (N, C, H, W) into blocks of whole images where several fit a block, else of whole channels."""
    n, c, height, width = images.shape
    pixels = CPU_BLOCK if images.device.type == "cpu" else BLOCK
    rows = max(1, pixels // (c * height * width))
    channels = c if c * height * width <= pixels else max(1, pixels // (height * width))
    for row in range(0, n, rows):
        for channel in range(0, c, channels):
            yield slice(row, row + rows), slice(channel, channel + channels)


def _differentiate(ctx: Any, grad_output: Tensor) -> tuple[Optional[Tensor], Optional[Tensor], None]:
    """Return the gradients by ``pred`` and ``target`` as functions that can be differentiated again."""
    pred, target = ctx.saved_tensors
    distance = pairwise_distance(pred, target, ctx.weighting)
    needs_pred, needs_target, _ = ctx.needs_input_grad
    wanted = [pred] * needs_pred + [target] * needs_target
    found = iter(torch.autograd.grad(distance, wanted, grad_output, create_graph=True))
    return (next(found) if needs_pred else None, next(found) if needs_target else None, None)
