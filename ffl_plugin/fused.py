"""Value and gradient of the pairwise distance together, in few passes over memory: the path of training.

With weights w held fixed the distance E = mean(w |D|²) is quadratic in d = pred - target. Its gradient is
G = 2/n · F⁻¹(w D), so E = ½ <d, G> (Euler): one real transform, one inverse, no whole spectrum. Both are
computed in the forward pass, block by block, so that a block's spectrum stays in the cache; only F⁻¹(w D) is
kept.
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
        ctx.weighting, ctx.dtypes, ctx.scale = weighting, (pred.dtype, target.dtype), 2 / pred[0].numel()
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
        gradient.mul_(grad_output.view(-1, 1, 1, 1) * ctx.scale)
        needs_pred, needs_target, _ = ctx.needs_input_grad
        pred_dtype, target_dtype = ctx.dtypes
        return (
            gradient.to(pred_dtype) if needs_pred else None,
            gradient.neg().to(target_dtype) if needs_target else None,
            None,
        )


def gradient_and_distance(pred: Tensor, target: Tensor, weighting: Weighting) -> tuple[Tensor, Tensor]:
    """Return F⁻¹(w D), (N, C, H, W), n/2 times the gradients of the distances, and these, (N,)."""
    pixels = CPU_BLOCK if pred.device.type == "cpu" else BLOCK
    if pred.numel() <= pixels and weighting.patch_factor == 1 and pred.is_contiguous():
        gradient, distance, peak = _block(pred, target, weighting, weighting.matrix)
        grid = gradient
    else:
        gradient, grid, distance, peak = _block_by_block(pred, target, weighting, pixels)
    if weighting.batch_matrix and peak is not None:
        share = share_of_batch(peak)
        grid.mul_(share)
        distance.mul_(share)
    return gradient, distance.flatten(1).sum(1).div_(pred[0].numel())


def _block(
    pred: Tensor, target: Tensor, weighting: Weighting, given: Optional[Tensor]
) -> tuple[Tensor, Tensor, Optional[Tensor]]:
    """Return F⁻¹(w D) of some images and channels, the sums of w |D|² and the maxima of |D|^alpha."""
    difference = patches(pred.to(at_least_single(pred, target)) - target, weighting.patch_factor)
    spectrum = half_spectrum(difference)
    weight, peak = focal_weight_(power(spectrum), weighting) if given is None else (given, None)
    image = image_of(spectrum.mul_(weight), difference.shape[-1])
    return image, difference.mul_(image).sum((-2, -1), keepdim=True), peak


def _block_by_block(
    pred: Tensor, target: Tensor, weighting: Weighting, pixels: int
) -> tuple[Tensor, Tensor, Tensor, Optional[Tensor]]:
    """Return what :func:`_block` does for all images, the first as images and as a view of their patches."""
    gradient = torch.empty_like(pred, dtype=at_least_single(pred, target))
    grid = patches(gradient, weighting.patch_factor)
    distance = gradient.new_empty((*grid.shape[:-2], 1, 1))
    given = None if weighting.matrix is None else weighting.matrix.expand(*grid.shape[:-2], -1, -1)
    peak = torch.empty_like(distance) if given is None else None
    for rows, channels in _blocks(pred.shape, pixels):
        block = (rows, ..., channels, slice(None), slice(None))
        weights = None if given is None else given[block]
        grid[block], distance[block], highest = _block(pred[block], target[block], weighting, weights)
        if peak is not None and highest is not None:
            peak[block] = highest
    return gradient, grid, distance, peak


def _blocks(shape: torch.Size, pixels: int) -> Iterator[tuple[slice, slice]]:
    """Cut (N, C, H, W) into blocks of whole images, or of whole channels where an image is too large."""
    n, c, height, width = shape
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
