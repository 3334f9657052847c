"""docs/loss.md, "Coming from another implementation": which options here give the same training.

Each implementation is written out from its formula. Versions: docs/loss.md.
"""

from __future__ import annotations

from typing import Any, Callable

import pytest
import torch
from torch import Tensor

from ffl_plugin import FocalFrequencyLoss

Spectrum = Callable[[Tensor], Tensor]


def images(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred, target = (torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(2))
    return pred.requires_grad_(), target


def unitary(batch: Tensor) -> Tensor:
    return torch.fft.fft2(batch, norm="ortho")


def mean_of_batch(batch: Tensor) -> Tensor:
    return unitary(batch).mean(0, keepdim=True)


def by_width(batch: Tensor) -> Tensor:
    """As tf-focal-frequency-loss scales it."""
    return torch.fft.fft2(batch) / batch.shape[-1]


def weighted(pred: Tensor, target: Tensor, spectrum: Spectrum = unitary, locked: bool = True) -> Tensor:
    """Return w |D|², w = |D| / max |D|, through which a gradient flows unless it is ``locked``."""
    amplitude = (spectrum(pred) - spectrum(target)).abs()
    weight = amplitude / amplitude.amax((-2, -1), keepdim=True)
    return (weight.detach() if locked else weight) * amplitude**2


SHAPE = (3, 2, 6, 10)
VALUES = 3 * 2 * 6 * 10

# Its loss with weight 7, from its formula; and what gives the same here.
SAME_TRAINING: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], dict[str, Any]]] = {
    "traiNNer-redux and neosr's master": (
        lambda pred, target: 7 * 50 * weighted(pred, target, mean_of_batch).mean(),
        {"loss_weight": 50 * 7.0, "ave_spectrum": True},
    ),
    "neosr 0.1.0": (
        lambda pred, target: 7 * weighted(pred, target, mean_of_batch).mean(),
        {"loss_weight": 7.0, "ave_spectrum": True},
    ),
    "a fork that sums": (
        lambda pred, target: 7 * weighted(pred, target).sum(),
        {"loss_weight": 7.0 * VALUES},
    ),
    "a fork that sums the averaged spectrum": (
        lambda pred, target: 7 * weighted(pred, target, mean_of_batch).sum(),
        {"loss_weight": 7.0 * VALUES / 3, "ave_spectrum": True},
    ),
}


@pytest.mark.parametrize("theirs, options", SAME_TRAINING.values(), ids=SAME_TRAINING)
def test_the_same_training(theirs: Callable[[Tensor, Tensor], Tensor], options: dict[str, Any]) -> None:
    pred, target = images(*SHAPE)
    losses = theirs(pred, target), FocalFrequencyLoss(**options)(pred, target)
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*(torch.autograd.grad(loss, pred)[0] for loss in losses))


def test_tensorflow_has_the_value_times_height_over_width_and_another_gradient() -> None:
    pred, target = images(*SHAPE)
    theirs = 7 * weighted(pred, target, by_width, locked=False).mean()
    ours = FocalFrequencyLoss(loss_weight=7.0 * 6 / 10)(pred, target)
    torch.testing.assert_close(theirs, ours)
    gradients = [torch.autograd.grad(loss, pred)[0] for loss in (theirs, ours)]
    cosine = torch.nn.functional.cosine_similarity(*(gradient.flatten() for gradient in gradients), 0)
    assert cosine < 0.999, "no factor makes one of the other"


def test_tensorflow_at_equal_images() -> None:
    pred, _ = images(*SHAPE)
    theirs = weighted(pred, pred.detach(), by_width, locked=False).nan_to_num().mean()
    assert torch.autograd.grad(theirs, pred)[0].isnan().any()
    (ours,) = torch.autograd.grad(FocalFrequencyLoss()(pred, pred.detach()), pred)
    assert not ours.any()
