"""How strongly the loss pulls at the generated images, beside the losses that were there before it.

In a monitored step the loss is given another name for the generated images, so that the upstream's own
backward pass brings its gradient there alone, and the gradient of everything to the images themselves. The
difference of the two is the upstream's. No gradient is changed.
"""

from __future__ import annotations

import math
from typing import Callable, Optional

import torch
from torch import Tensor

Report = Callable[[str, Tensor], None]  # whose pull, and how strong: a scalar on the images' device

NOTHING_YET = math.nan  # what is printed before the first backward pass


class GradientMonitor:
    """Monitors every ``interval``-th step, the first among them; none where ``interval`` is 0."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._steps = 0

    def watch(self, images: Tensor, report: Report, adversarial: Optional[Tensor] = None) -> Tensor:
        """Count a step, and return what the loss is to be taken of: ``images``, by another name if monitored.

        Args:
            images: generated images (N, C, H, W).
            report: called in the backward pass of a monitored step, with "FFL" and with "rest", everything
                else that pulls at the images.
            adversarial: a scalar that is part of the rest; where it is given, its own pull is reported as
                "GAN", for which a monitored step goes back through the discriminator once more.
        """
        due = self._interval > 0 and self._steps % self._interval == 0
        self._steps += 1
        if not due or not getattr(images, "requires_grad", False):  # what is no tensor, the loss refuses
            return images
        if adversarial is not None and adversarial.requires_grad:
            [gradient] = torch.autograd.grad(adversarial, images, retain_graph=True, allow_unused=True)
            if gradient is not None:
                report("GAN", pull(gradient))
        return _watched(images, report)


def pull(gradient: Tensor) -> Tensor:
    """√n ‖∂L/∂x‖₂ for a gradient of n values: the root mean square of n·∂L/∂x.

    For a loss that is a mean over the values, this depends neither on the batch size nor on the image size;
    λ times the mean absolute error has λ.
    """
    norm: Tensor = torch.linalg.vector_norm(gradient.detach(), dtype=torch.float32)
    return norm * math.sqrt(gradient.numel())


def _watched(images: Tensor, report: Report) -> Tensor:
    alias = images.view_as(images)
    ours: list[Tensor] = []  # of this backward pass; stays empty where the loss is 0, as before --ffl-start

    def compare(total: Tensor) -> None:
        gradient = ours.pop() if ours else torch.zeros_like(total)
        report("FFL", pull(gradient))
        report("rest", pull(total - gradient))

    alias.register_hook(ours.append)  # type: ignore[no-untyped-call]
    images.register_hook(compare)  # type: ignore[no-untyped-call]
    return alias
