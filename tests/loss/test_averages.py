"""The averages over a batch, against their formulas written out over whole spectra."""

from __future__ import annotations

import math
from typing import Callable

import pytest
import torch
from torch import Tensor

from ffl_plugin.loss import focal_frequency_loss

ROUNDING = (2 / 255) ** 2 / 12

AVERAGES: dict[str, Callable[[Tensor], Tensor]] = {
    "batch": lambda spectra: spectra.mean(0),
    "batch-amplitude": lambda spectra: spectra.abs().mean(0),
    "batch-log-power": lambda spectra: (spectra.abs().square() + ROUNDING).log().mean(0),
}


def images(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred, target = (torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(2))
    return pred.requires_grad_(), target


def whole_spectra(images: Tensor, patch_factor: int) -> Tensor:
    rows = images.tensor_split(patch_factor, 2)
    patches = [patch for row in rows for patch in row.tensor_split(patch_factor, 3)]
    return torch.fft.fft2(torch.stack(patches, 1), norm="ortho")


@pytest.mark.parametrize("spectrum", AVERAGES)
@pytest.mark.parametrize("alpha", [0.5, 1.0])
@pytest.mark.parametrize("patch_factor", [1, 3])
@pytest.mark.parametrize("batch_matrix", [False, True])
def test_formula(spectrum: str, alpha: float, patch_factor: int, batch_matrix: bool) -> None:
    pred, target = images(4, 2, 6, 9)
    average = AVERAGES[spectrum]
    difference = average(whole_spectra(pred, patch_factor)) - average(whole_spectra(target, patch_factor))
    weight = difference.detach().abs() ** alpha
    weight = weight / (weight.amax() if batch_matrix else weight.amax((-2, -1), keepdim=True))
    expected = (weight * difference.abs().square()).mean()
    loss = focal_frequency_loss(
        pred, target, spectrum=spectrum, alpha=alpha, patch_factor=patch_factor, batch_matrix=batch_matrix
    )
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(*(torch.autograd.grad(value, pred)[0] for value in (loss, expected)))


@pytest.mark.parametrize("spectrum", AVERAGES)
def test_the_gradient_reaches_both_batches_of_different_sizes(spectrum: str) -> None:
    pred, _ = images(4, 2, 6, 9)
    _, target = images(10, 2, 6, 9)
    target.requires_grad_()
    difference = AVERAGES[spectrum](whole_spectra(pred, 1)) - AVERAGES[spectrum](whole_spectra(target, 1))
    weight = difference.detach().abs()
    expected = (weight / weight.amax((-2, -1), keepdim=True) * difference.abs().square()).mean()
    loss = focal_frequency_loss(pred, target, spectrum=spectrum)
    gradients = (torch.autograd.grad(value, (pred, target)) for value in (loss, expected))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("spectrum", ["batch-amplitude", "batch-log-power"])
def test_shifted_images_have_the_same_spectra_without_phases(spectrum: str) -> None:
    pred, _ = images(3, 1, 6, 8)
    shifted = pred.detach().roll((2, 3), (2, 3))
    assert focal_frequency_loss(pred, shifted, spectrum=spectrum).item() == pytest.approx(0, abs=1e-20)
    assert focal_frequency_loss(pred, shifted, spectrum="batch").item() > 0.01


def test_half_the_amplitude() -> None:
    """ln|F|² moves by ln 4 at every frequency that holds more than rounding."""
    pred, _ = images(8, 1, 4, 4)
    pred = 1e3 * pred.detach()
    loss = focal_frequency_loss(pred / 2, pred, spectrum="batch-log-power")
    assert loss.item() == pytest.approx(math.log(4) ** 2, rel=1e-4)


@pytest.mark.parametrize("spectrum", ["batch-amplitude", "batch-log-power"])
def test_black_images(spectrum: str) -> None:
    """Where a spectrum is 0 its modulus has no derivative; the gradient is still a number."""
    pred, target = images(2, 1, 4, 6)
    black = torch.zeros_like(pred, requires_grad=True)
    (gradient,) = torch.autograd.grad(focal_frequency_loss(black, target, spectrum=spectrum), black)
    assert gradient.isfinite().all()


def test_expected_batch_loss_rewards_low_variance() -> None:
    """E |mean fake - mean real|² = |μ_f - μ_r|² + σ_f²/N + σ_r²/N: fakes closer to their mean pay less."""
    generator = torch.Generator().manual_seed(0)

    def loss(gain: float, spectrum: str) -> float:
        total = 0.0
        for _ in range(20):
            fake, real = torch.randn(2, 8, 1, 16, 16, generator=generator)
            total += focal_frequency_loss(gain * fake, real, spectrum=spectrum).item()
        return total

    assert loss(0.5, "batch") < loss(1.0, "batch")
    assert loss(0.5, "batch-amplitude") > loss(1.0, "batch-amplitude")
    assert loss(0.5, "batch-log-power") > loss(1.0, "batch-log-power")
