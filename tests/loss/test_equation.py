"""What the equation says of cases that can be worked out by hand, and how the fused path keeps to it."""

from __future__ import annotations

import functools
import math

import pytest
import torch
from torch import Tensor

from ffl_plugin import fused
from ffl_plugin.distance import Weighting, pairwise_distance
from ffl_plugin.loss import FocalFrequencyLoss, focal_frequency_loss


def images(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pred, target = (torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(2))
    return pred.requires_grad_(), target


@pytest.mark.parametrize("height, width", [(4, 6), (5, 7), (1, 8), (8, 1), (1, 1)])
@pytest.mark.parametrize("patch_factor", [1, 2])
def test_alpha_0_is_the_mean_squared_error(height: int, width: int, patch_factor: int) -> None:
    pred, target = images(2, 3, height * patch_factor, width * patch_factor)
    loss = focal_frequency_loss(pred, target, alpha=0, patch_factor=patch_factor)
    expected = torch.nn.functional.mse_loss(pred, target)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(*(torch.autograd.grad(value, pred)[0] for value in (loss, expected)))


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.5])
def test_a_shifted_sinusoid(alpha: float) -> None:
    """Moving a cosine by φ turns its two coefficients by φ; both then have the largest weight, 1.

    |D|² = HW/4 |1 - exp(iφ)|² = HW/2 (1 - cos φ) at ±k, and 0 elsewhere: the mean of HW is 1 - cos φ.
    """
    x = torch.arange(12, dtype=torch.float64) * (2 * math.pi * 3 / 12)
    shift = 0.7
    pred, target = (torch.cos(x + phase).expand(1, 1, 10, 12) for phase in (shift, 0.0))
    loss = focal_frequency_loss(pred, target, alpha=alpha)
    assert loss.item() == pytest.approx(1 - math.cos(shift))


def test_two_frequencies() -> None:
    """Of amplitudes 2 and 1 the lesser has the weight 1/2: 2²/2 + 1/2 · 1²/2."""
    x = torch.arange(16, dtype=torch.float64) * (2 * math.pi / 16)
    difference = (2 * torch.cos(3 * x) + torch.sin(5 * x)).expand(1, 1, 8, 16)
    loss = focal_frequency_loss(difference, torch.zeros_like(difference))
    assert loss.item() == pytest.approx(2.25)


@pytest.mark.parametrize("spectrum", ["image", "batch", "batch-amplitude", "batch-log-power"])
@pytest.mark.parametrize("log_matrix", [False, True])
@pytest.mark.parametrize("batch_matrix", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_identical_images(spectrum: str, log_matrix: bool, batch_matrix: bool, alpha: float) -> None:
    pred, _ = images(2, 3, 6, 6)
    loss = focal_frequency_loss(
        pred,
        pred.detach().clone(),
        alpha=alpha,
        spectrum=spectrum,
        log_matrix=log_matrix,
        batch_matrix=batch_matrix,
    )
    (gradient,) = torch.autograd.grad(loss, pred)
    assert loss.item() == 0
    assert not gradient.any()


def test_one_identical_channel_among_others() -> None:
    pred, target = images(2, 2, 4, 4)
    target[0, 1] = pred.detach()[0, 1]
    for batch_matrix in (False, True):
        loss = focal_frequency_loss(pred, target, batch_matrix=batch_matrix)
        (gradient,) = torch.autograd.grad(loss, pred)
        assert gradient.isfinite().all() and not gradient[0, 1].any() and gradient[1].any()


def test_no_gradient_flows_through_the_weights() -> None:
    """The gradient is that with the weights of this very difference given as a matrix."""
    pred, target = images(1, 1, 5, 6)
    amplitude = torch.fft.fft2(pred.detach() - target, norm="ortho").abs()
    (online,) = torch.autograd.grad(focal_frequency_loss(pred, target), pred)
    given = focal_frequency_loss(pred, target, matrix=(amplitude / amplitude.max())[0, 0])
    torch.testing.assert_close(online, torch.autograd.grad(given, pred)[0])


def test_loss_per_image() -> None:
    pred, target = images(3, 2, 6, 5)
    options = {"log_matrix": True, "alpha": 2.0}
    losses = focal_frequency_loss(pred, target, reduction="none", **options)
    alone = [focal_frequency_loss(pred[n : n + 1], target[n : n + 1], **options) for n in range(3)]
    torch.testing.assert_close(losses, torch.stack(alone))
    torch.testing.assert_close(losses.mean(), focal_frequency_loss(pred, target, **options))
    weights = torch.tensor([0.0, 1.0, -2.0], dtype=torch.float64)
    (gradient,) = torch.autograd.grad(losses @ weights, pred)
    (expected,) = torch.autograd.grad(torch.stack(alone) @ weights, pred)
    torch.testing.assert_close(gradient, expected)


def test_weights_per_image() -> None:
    """The official code would pair every image with every matrix: N² terms in place of N."""
    pred, target = images(3, 2, 4, 5)
    matrix = torch.rand(3, 2, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    losses = FocalFrequencyLoss(reduction="none")(pred, target, matrix)
    power = torch.fft.fft2(pred - target, norm="ortho").abs().square()
    torch.testing.assert_close(losses, (matrix * power).mean((1, 2, 3)))


@pytest.mark.parametrize("pixels", [1, 30, 100, 200, 10**6])
@pytest.mark.parametrize("patch_factor", [1, 2])
@pytest.mark.parametrize("batch_matrix", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_blocks_change_nothing(
    monkeypatch: pytest.MonkeyPatch, pixels: int, patch_factor: int, batch_matrix: bool, given: bool
) -> None:
    """Blocks of a channel, of two, of an image, of two with one left over, and of everything."""
    monkeypatch.setattr(fused, "CPU_BLOCK", pixels)
    pred, target = images(3, 3, 4, 6)
    grid = (3, 3) if patch_factor == 1 else (3, 2, 2, 3)
    shape = (*grid, 4 // patch_factor, 6 // patch_factor // 2 + 1)
    matrix = (
        torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) if given else None
    )
    weighting = Weighting(1.0, patch_factor, batch_matrix=batch_matrix, matrix=matrix)
    gradient, factor, distance = fused.gradient_and_distance(pred.detach(), target, weighting, False, False)
    expected = pairwise_distance(pred, target, weighting)
    torch.testing.assert_close(distance, expected.detach())
    torch.testing.assert_close(gradient * factor, torch.autograd.grad(expected.sum(), pred)[0])


def test_backward_twice() -> None:
    pred, target = images(2, 1, 4, 4)
    target.requires_grad_()
    loss = focal_frequency_loss(pred, target)
    first = torch.autograd.grad(
        loss, (pred, target), torch.tensor(3.0, dtype=torch.float64), retain_graph=True
    )
    second = torch.autograd.grad(loss, (pred, target))
    for tripled, once in zip(first, second):
        torch.testing.assert_close(tripled, 3 * once)


@pytest.mark.parametrize("spectrum", ["batch-amplitude", "batch-log-power"])
def test_gradient_of_an_average_without_phases(spectrum: str) -> None:
    pred, target = images(3, 2, 3, 4)
    target.requires_grad_()
    matrix = torch.rand(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    loss = functools.partial(focal_frequency_loss, spectrum=spectrum, matrix=matrix)
    assert torch.autograd.gradcheck(loss, (pred, target))


@pytest.mark.parametrize("spectrum", ["image", "batch"])
def test_second_derivatives_with_given_weights(spectrum: str) -> None:
    pred, target = images(2, 2, 3, 4)
    target.requires_grad_()
    matrix = torch.rand(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    loss = functools.partial(focal_frequency_loss, spectrum=spectrum, matrix=matrix)
    assert torch.autograd.gradcheck(loss, (pred, target))
    assert torch.autograd.gradgradcheck(loss, (pred, target))


def test_gradient_of_a_batch_average_stays_one_image() -> None:
    """Every image has the same gradient, so it is one image expanded: memory does not grow with the batch."""
    pred, target = images(16, 3, 8, 8)
    (gradient,) = torch.autograd.grad(focal_frequency_loss(pred, target, spectrum="batch"), pred)
    assert gradient.shape == pred.shape and gradient.stride(0) == 0
