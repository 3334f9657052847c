"""Values and gradients against the `focal-frequency-loss` package, the authors' own implementation."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from focal_frequency_loss import FocalFrequencyLoss as Official

from ffl_plugin.loss import FocalFrequencyLoss

SHAPES = [(1, 1, 4, 4), (2, 3, 8, 6), (3, 2, 6, 9), (1, 4, 12, 3), (2, 1, 3, 3)]
OPTIONS = [
    dict(zip(("alpha", "ave_spectrum", "log_matrix", "batch_matrix"), values))
    for values in itertools.product((0.0, 0.5, 1.0, 2.0), (False, True), (False, True), (False, True))
]


def value_and_gradients(
    loss: torch.nn.Module, pred: torch.Tensor, target: torch.Tensor, *matrix: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    pred, target = pred.clone().requires_grad_(), target.clone().requires_grad_()
    value = loss(pred, target, *matrix)
    return (value, *torch.autograd.grad(value, (pred, target)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_same_value_and_gradients(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(sum(shape))
    pred, target = torch.randn(2, *shape, dtype=torch.float64, generator=generator)
    for patch_factor in (
        (1, 3) if shape[2] % 3 == shape[3] % 3 == 0 else (1, 2) if shape[3] % 2 == 0 else (1,)
    ):
        ours = FocalFrequencyLoss(2.5, patch_factor=patch_factor, **options)
        official = Official(2.5, patch_factor=patch_factor, **options)
        results = zip(value_and_gradients(ours, pred, target), value_and_gradients(official, pred, target))
        for got, expected in results:
            torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("ave_spectrum", [False, True])
@pytest.mark.parametrize("width", [5, 6])
def test_given_weights(ave_spectrum: bool, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    pred, target = torch.randn(2, 2, 3, 4, width, dtype=torch.float64, generator=generator)
    for shape in [(4, width), (3, 4, width), (1, 3, 4, width), (1, 1, 3, 4, width), (1, 1, 1, 4, width)]:
        matrix = torch.rand(shape, dtype=torch.float64, generator=generator)
        ours = value_and_gradients(FocalFrequencyLoss(ave_spectrum=ave_spectrum), pred, target, matrix)
        official = value_and_gradients(Official(ave_spectrum=ave_spectrum), pred, target, matrix)
        for got, expected in zip(ours, official):
            torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)
