"""Weights whose |D|^alpha neither float32 nor the official code can hold."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ffl_plugin import focal_frequency_loss
from ffl_plugin.averages import STATISTICS

ALPHA = 40.0  # (255 · 8)^40 = 2e132 and (1e-4)^40 = 1e-160: float64 holds both


def batches(scale: float) -> tuple[Tensor, Tensor]:
    """Two batches in [0, ``scale``] whose differences are of different sizes."""
    pred, target = torch.rand((2, 3, 2, 8, 9), generator=torch.Generator().manual_seed(0)) * scale
    target[1] = pred[1] + (target[1] - pred[1]) * 0.9
    return pred.requires_grad_(), target


def by_definition(
    pred: Tensor, target: Tensor, spectrum: str, log_matrix: bool, batch_matrix: bool
) -> Tensor:
    """Equations (9) and (10) in float64, the weights as they are written."""
    spectra = [torch.fft.fft2(images.double(), norm="ortho") for images in (pred, target)]
    if spectrum != "image":
        statistic = STATISTICS.get(spectrum)
        of = spectra if statistic is None else [statistic(each.abs().square()) for each in spectra]
        spectra = [each.mean(0, keepdim=True) for each in of]
    amplitude = (spectra[0] - spectra[1]).abs()
    weight = amplitude.detach() ** ALPHA
    weight = weight.log1p() if log_matrix else weight
    weight = weight / (weight.amax() if batch_matrix else weight.amax((-2, -1), keepdim=True))
    loss: Tensor = (weight * amplitude.square()).mean()
    return loss


@pytest.mark.parametrize("scale", [255.0, 1e-4])
@pytest.mark.parametrize("spectrum", ["image", "batch", "batch-amplitude"])
@pytest.mark.parametrize("log_matrix", [False, True])
@pytest.mark.parametrize("batch_matrix", [False, True])
def test_as_defined(scale: float, spectrum: str, log_matrix: bool, batch_matrix: bool) -> None:
    """The loss, its gradient, and the gradient that can be differentiated again."""
    pred, target = batches(scale)
    options: dict[str, Any] = {"spectrum": spectrum, "log_matrix": log_matrix, "batch_matrix": batch_matrix}
    expected = by_definition(pred, target, **options)
    (expected_gradient,) = torch.autograd.grad(expected, pred)
    for create_graph in (False, True):
        loss = focal_frequency_loss(pred, target, alpha=ALPHA, **options)
        (gradient,) = torch.autograd.grad(loss, pred, create_graph=create_graph)
        torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=0)
        atol = 1e-4 * expected_gradient.abs().max().item()
        torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=atol)
    with torch.no_grad():
        alone = focal_frequency_loss(pred, target, alpha=ALPHA, **options)
    torch.testing.assert_close(alone.double(), expected.detach(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("log_matrix", [False, True])
@pytest.mark.parametrize("batch_matrix", [False, True])
def test_identical_images_among_others(log_matrix: bool, batch_matrix: bool) -> None:
    pred, target = batches(255.0)
    target[1] = pred.detach()[1]
    loss = focal_frequency_loss(pred, target, alpha=ALPHA, log_matrix=log_matrix, batch_matrix=batch_matrix)
    (gradient,) = torch.autograd.grad(loss, pred)
    assert gradient.isfinite().all() and not gradient[1].any() and gradient[0].any()
