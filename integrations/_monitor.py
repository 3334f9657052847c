"""How strongly the loss pulls at the generated images, beside the losses that were there before it.

In a watched step the loss is computed from an alias of the generated images, so that the upstream's own
backward pass brings its gradient to the alias alone, and the gradient of everything to the images themselves.
The difference of the two is the upstream's. No gradient is changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

import torch
from torch import Tensor

Report = Callable[[str, Tensor], None]  # whose pull, and how strong: a scalar on the images' device

Observer = Callable[["Pulls"], None]

NOTHING_YET = math.nan  # what is printed before the first backward pass


@dataclass(frozen=True)
class Pulls:
    """What one backward pass brought to the generated images: scalars on their device.

    Attributes:
        ours: pull of the weighted loss.
        rest: pull of everything else.
        factor: what upstream multiplied the loss by before its backward pass: 1, or a gradient scaler's
            scale, or one over the rounds of accumulation.
    """

    ours: Tensor
    rest: Tensor
    factor: Tensor


def pull(gradient: Tensor) -> Tensor:
    """√n ‖∂L/∂x‖₂ for a gradient of n values: the root mean square of n·∂L/∂x, in float32.

    For a loss that is a mean over the values, this depends neither on the batch size nor on the image size;
    λ times the mean absolute error has λ.
    """
    norm: Tensor = torch.linalg.vector_norm(gradient.detach().float())
    return norm * math.sqrt(gradient.numel())


class _Zero(torch.autograd.Function):
    """A 0 that depends on the images, and tells what its gradient is.

    It brings nothing to the images, but autograd waits for it before it takes their gradient for complete.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, gradients: list[Tensor]) -> Tensor:
        """(N, C, H, W) -> ()."""
        ctx.gradients = gradients
        return images.new_zeros((), dtype=torch.float32)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None]:
        """Note the gradient, and pass on none."""
        ctx.gradients.append(gradients[0])
        return None, None


def watch(images: Tensor, observers: Sequence[Observer]) -> tuple[Tensor, Tensor]:
    """Have ``observers`` called in the backward pass of a step.

    Args:
        images: generated images (N, C, H, W) that require a gradient.
        observers: what to call.

    Returns:
        An alias of the images, to compute the loss of, and a 0 to add to it. Upstream may take other
        gradients at the images before its backward pass; only that one reaches the 0, and only it counts.
    """
    alias = images.view_as(images)
    to_alias: list[Tensor] = []  # stays empty where the weight is 0, as before --ffl-start
    factors: list[Tensor] = []
    zero: Tensor = _Zero.apply(images, factors)  # type: ignore[no-untyped-call]

    def compare(total: Optional[Tensor]) -> None:
        if total is None:  # nothing pulls, neither we nor anything else
            total = torch.zeros_like(images)
        ours = to_alias.pop() if to_alias else torch.zeros_like(total)
        if factors:
            pulls = Pulls(pull(ours), pull(total - ours), factors.pop())
            for observe in observers:
                observe(pulls)

    alias.register_hook(to_alias.append)  # type: ignore[no-untyped-call]
    images.register_hook(compare)  # type: ignore[no-untyped-call]
    return alias, zero


def reporter(report: Report) -> Observer:
    """Return an observer that reports both pulls."""

    def both(pulls: Pulls) -> None:
        report("FFL", pulls.ours)
        report("rest", pulls.rest)

    return both


def report_adversarial(loss: Optional[Tensor], images: Tensor, report: Report) -> None:
    """Report the pull of an adversarial loss as "GAN", where there is one that pulls at ``images``.

    This goes back through the discriminator once more.
    """
    if loss is not None and loss.requires_grad:
        [gradient] = torch.autograd.grad(loss, images, retain_graph=True, allow_unused=True)
        if gradient is not None:
            report("GAN", pull(gradient))
