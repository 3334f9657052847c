"""Value and gradient of the focal distance in few passes over memory; used in training.

With weights w held constant, the distance E = mean(w |D|²) is quadratic in d = pred - target. Its gradient is
G = 2/n · F⁻¹(w D), so E = ½ <d, G> (Euler): one real transform, one inverse, no full spectrum. Both are
computed in the forward pass, block by block so that a block's spectrum stays in the CPU cache; only F⁻¹(w D)
is saved. For averaged batches, d is the difference of the mean images, and the gradient is one image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

import torch
from torch import Tensor

from ffl_plugin.averages import mean_image
from ffl_plugin.distance import Weighting, compute_dtype, focal_weight_, pairwise_distance, share_of_batch_
from ffl_plugin.native import loops_for
from ffl_plugin.spectrum import half_spectrum, image_of, patches, power

# Pixels per block. On a CPU, 512 KiB of float32: with its spectrum it fits the second-level cache, and the
# allocator reuses it without new pages. On other devices, enough to keep a GPU busy while bounding the memory
# for large batches.
CPU_BLOCK = 2**17
BLOCK = 2**24


def plain_distance(pred: Tensor, target: Tensor, weighting: Weighting, averaged: bool, mean: bool) -> Tensor:
    """Return the distances of images to targets, (N,), or of the mean images, (1,), or their mean, ()."""
    if averaged:
        pred, target = mean_image(pred), mean_image(target)
    distance = pairwise_distance(pred, target, weighting)
    return distance.mean() if mean else distance


class FusedDistance(torch.autograd.Function):
    """:func:`plain_distance`, with its gradient computed in the forward pass."""

    @staticmethod
    def forward(
        ctx: Any, pred: Tensor, target: Tensor, weighting: Weighting, averaged: bool, mean: bool
    ) -> Tensor:
        """(N, C, H, W) twice -> (N,), (1,) if averaged, () of the mean."""
        ctx.gradient, ctx.factor, distance = gradient_and_distance(pred, target, weighting, averaged, mean)
        ctx.how = weighting, averaged, mean
        ctx.layouts = [(images.shape, images.dtype) for images in (pred, target)]
        # Autograd refuses to save tensors of torch.inference_mode, such as a teacher's images.
        ctx.unsaved = [images if images.is_inference() else None for images in (pred, target)]
        ctx.save_for_backward(*(None if images.is_inference() else images for images in (pred, target)))
        return distance

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Optional[Tensor], ...]:
        """Scale the stored gradient in place; it is consumed, and recomputed on a second call.

        The images are read only to recompute it, so the caller may change them after the forward pass.
        """
        if torch.is_grad_enabled():
            return (*_differentiate(ctx, *_images(ctx), grad_output), None, None, None)
        gradient, ctx.gradient = ctx.gradient, None
        if gradient is None:
            gradient, ctx.factor, _ = gradient_and_distance(*_images(ctx), *ctx.how)
        gradient = _scaled(gradient, grad_output, ctx.factor)
        (pred_shape, pred_dtype), (target_shape, target_dtype) = ctx.layouts
        _, averaged, _ = ctx.how
        needs_pred, needs_target, *_ = ctx.needs_input_grad
        by_pred = by_target = None
        if needs_target:
            opposite = gradient * (-pred_shape[0] / target_shape[0])
            by_target = opposite.to(target_dtype).expand(target_shape)
        if needs_pred:
            by_pred = gradient.to(pred_dtype)
            by_pred = by_pred.expand(pred_shape) if averaged else by_pred
        return by_pred, by_target, None, None, None


def _scaled(gradient: Tensor, grad_output: Tensor, factor: float) -> Tensor:
    """Return ``gradient`` times ``factor`` and ``grad_output``, () or (N,); in place if possible."""
    try:
        # On a CPU, item() does not synchronise. The product is usually 1, which saves a pass over memory.
        if gradient.device.type == "cpu" and grad_output.dim() == 0 and grad_output.item() * factor == 1:
            return gradient
        factors = grad_output.view(-1, 1, 1, 1) * factor
        return gradient.mul_(factors)
    except RuntimeError:  # vmap differentiates all outputs at once and brings more factors
        return gradient * (grad_output.view(-1, 1, 1, 1) * factor)


def gradient_and_distance(
    pred: Tensor, target: Tensor, weighting: Weighting, averaged: bool, mean: bool
) -> tuple[Tensor, float, Tensor]:
    """Return the unscaled gradient with respect to each image, (N, C, H, W), its factor, and the distance.

    The distance is (N,), or () if ``mean``. Averaged batches share one gradient.
    """
    highest: Optional[Tensor]
    factor = 2 / (pred.shape[0] if mean or averaged else 1) / pred[0].numel()
    loops = loops_for(pred, target) if weighting.is_plain else None
    if loops:
        images = (loops.mean_difference(pred, target),) if averaged else (pred, target)
        gradient, distances, distance, energy, highest = loops.focal_distance(factor, *images)
        if not weighting.batch_matrix:
            return gradient, 1.0, distance if mean else distances
        energy, highest = (each.view(*gradient.shape[:2], 1, 1) for each in (energy, highest))
        grid, factor = gradient, 1.0
    else:
        if averaged:
            pred, target = mean_image(pred), mean_image(target)
        gradient, grid, energy, highest = _block_by_block(pred, target, weighting)
    if weighting.batch_matrix and highest is not None:
        share = share_of_batch_(highest, weighting)
        grid.mul_(share)
        energy.mul_(share)
    distances = energy.flatten(1).sum(1).div_(pred[0].numel())
    return gradient, factor, distances.mean() if mean else distances


def _block_by_block(
    pred: Tensor, target: Tensor, weighting: Weighting
) -> tuple[Tensor, Tensor, Tensor, Optional[Tensor]]:
    """Return F⁻¹(w D), a view of it as patches, the sums of w |D|² and the maxima of |D|²."""
    dtype, blocks = compute_dtype(pred, target), list(_blocks(pred))
    if len(blocks) == 1 and weighting.patch_factor == 1 and pred.is_contiguous():
        image, distance, highest = _block(pred.to(dtype) - target, weighting, weighting.matrix)
        return image, image, distance, highest
    gradient = torch.empty_like(pred, dtype=dtype)
    grid = patches(gradient, weighting.patch_factor)
    distance = gradient.new_empty((*grid.shape[:-2], 1, 1))
    given = None if weighting.matrix is None else weighting.matrix.expand(*grid.shape[:-2], -1, -1)
    highest = torch.empty_like(distance) if given is None else None
    for rows, channels in blocks:
        block = (rows, ..., channels, slice(None), slice(None))
        weights = None if given is None else given[block]
        difference = pred[rows, channels].to(dtype) - target[rows, channels]
        grid[block], distance[block], block_highest = _block(difference, weighting, weights)
        if highest is not None and block_highest is not None:
            highest[block] = block_highest
    return gradient, grid, distance, highest


def _blocks(images: Tensor) -> Iterator[tuple[slice, slice]]:
    """Split (N, C, H, W) into blocks of whole images, or of whole channels if an image is too large."""
    pixels = CPU_BLOCK if images.device.type == "cpu" else BLOCK
    n, c, height, width = images.shape
    rows = max(1, pixels // (c * height * width))
    channels = c if c * height * width <= pixels else max(1, pixels // (height * width))
    for row in range(0, n, rows):
        for channel in range(0, c, channels):
            yield slice(row, row + rows), slice(channel, channel + channels)


def _block(
    difference: Tensor, weighting: Weighting, given: Optional[Tensor]
) -> tuple[Tensor, Tensor, Optional[Tensor]]:
    """Return F⁻¹(w D) of a block of images and channels, the sums of w |D|² and the maxima of |D|²."""
    difference = patches(difference, weighting.patch_factor)
    spectrum = half_spectrum(difference)
    weight, highest = focal_weight_(power(spectrum), weighting) if given is None else (given, None)
    image = image_of(spectrum.mul_(weight), difference.shape[-1])
    return image, difference.mul_(image).sum((-2, -1), keepdim=True), highest


def _images(ctx: Any) -> tuple[Tensor, Tensor]:
    """Return ``pred`` and ``target``; torch raises RuntimeError if either changed since the forward pass."""
    pred, target = (
        saved if unsaved is None else unsaved for saved, unsaved in zip(ctx.saved_tensors, ctx.unsaved)
    )
    return pred, target


def _differentiate(
    ctx: Any, pred: Tensor, target: Tensor, grad_output: Tensor
) -> tuple[Optional[Tensor], Optional[Tensor]]:
    """Return the gradients with respect to ``pred`` and ``target``, differentiable again."""
    # Fresh views: if one input was computed from the other, its gradient must not flow through it here.
    pred, target = pred.view_as(pred), target.view_as(target)
    distance = plain_distance(pred, target, *ctx.how)
    needs_pred, needs_target, *_ = ctx.needs_input_grad
    wanted = [pred] * needs_pred + [target] * needs_target
    found = iter(torch.autograd.grad(distance, wanted, grad_output, create_graph=True))
    return (next(found) if needs_pred else None, next(found) if needs_target else None)
