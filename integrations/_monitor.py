"""Gradient norms at the generated images: of FFL, and of all other losses.

In a monitored step the loss is computed from an alias of the generated images, so the upstream's own backward
pass brings the loss's gradient to the alias, and the total gradient to the images. Their difference is due to
the other losses. No gradient is changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

import torch
from torch import Tensor

Report = Callable[[str, Tensor], None]  # source of the gradient, and its norm: a scalar on the images' device

Observer = Callable[["GradientNorms"], None]

NOTHING_YET = math.nan  # printed before the first backward pass


@dataclass(frozen=True)
class GradientNorms:
    """Gradient norms at the generated images in one backward pass: scalars on their device.

    Attributes:
        ffl: norm due to the weighted loss.
        rest: norm due to all other losses.
        factor: scale applied by the upstream before its backward pass: 1, a gradient scaler's scale, or one
            over the number of accumulation rounds.
    """

    ffl: Tensor
    rest: Tensor
    factor: Tensor


def gradient_norm(gradient: Tensor) -> Tensor:
    """√n ‖∂L/∂x‖₂ for a gradient of n values: the root mean square of n·∂L/∂x, in float32.

    For a loss that is a mean over the values, this is independent of batch and image size; λ times the mean
    absolute error has norm λ.
    """
    norm: Tensor = torch.linalg.vector_norm(gradient.detach().float())
    return norm * math.sqrt(gradient.numel())


class _Zero(torch.autograd.Function):
    """A 0 that depends on the images and records its own gradient.

    It contributes nothing to the images' gradient, but makes autograd wait for it.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, gradients: list[Tensor]) -> Tensor:
        """(N, C, H, W) -> ()."""
        ctx.gradients = gradients
        return images.new_zeros((), dtype=torch.float32)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None]:
        """Record the gradient; pass none on."""
        ctx.gradients.append(gradients[0])
        return None, None


def watch(images: Tensor, observers: Sequence[Observer]) -> tuple[Tensor, Tensor]:
    """Call ``observers`` in the backward pass of a step.

    Args:
        images: generated images (N, C, H, W) that require a gradient.
        observers: what to call.

    Returns:
        An alias of the images, from which to compute the loss, and a 0 to add to the loss. The upstream may
        compute other gradients at the images before its backward pass; only that pass reaches the 0.
    """
    alias = images.view_as(images)
    to_alias: list[Tensor] = []  # stays empty at weight 0, as before --ffl-start
    factors: list[Tensor] = []
    zero: Tensor = _Zero.apply(images, factors)  # type: ignore[no-untyped-call]

    def compare(total: Optional[Tensor]) -> None:
        if total is None:  # no loss has a gradient here
            total = torch.zeros_like(images)
        ffl = to_alias.pop() if to_alias else torch.zeros_like(total)
        if factors:
            norms = GradientNorms(gradient_norm(ffl), gradient_norm(total - ffl), factors.pop())
            for observe in observers:
                observe(norms)

    alias.register_hook(to_alias.append)  # type: ignore[no-untyped-call]
    images.register_hook(compare)  # type: ignore[no-untyped-call]
    return alias, zero


def reporter(report: Report) -> Observer:
    """Return an observer that reports both norms."""

    def both(norms: GradientNorms) -> None:
        report("FFL", norms.ffl)
        report("rest", norms.rest)

    return both


def report_adversarial(loss: Optional[Tensor], images: Tensor, report: Report) -> None:
    """Report the gradient norm of an adversarial loss as "GAN", if it has a gradient at ``images``.

    This backpropagates through the discriminator once more.
    """
    if loss is not None and loss.requires_grad:
        [gradient] = torch.autograd.grad(loss, images, retain_graph=True, allow_unused=True)
        if gradient is not None:
            report("GAN", gradient_norm(gradient))
