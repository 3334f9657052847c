"""Values and gradients against the `focal-frequency-loss` package, the authors' own implementation.

`FFL_RANDOM_CASES=2000 pytest tests/loss/test_official.py` draws more cases than a quick run does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import pytest
import torch
from focal_frequency_loss import FocalFrequencyLoss as Official
from hypothesis import given
from hypothesis import strategies as st
from random_cases import random_cases
from torch import Tensor

from ffl_plugin.loss import FocalFrequencyLoss


@dataclass(frozen=True)
class Case:
    options: dict[str, Any]
    shape: tuple[int, int, int, int]
    matrix: Optional[tuple[int, ...]]
    layout: str
    magnitude: float
    seed: int

    def images(self) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(self.seed)
        draw = (torch.randn(self.shape, dtype=torch.float64, generator=generator) for _ in range(2))
        pred, target = (LAYOUTS[self.layout](self.magnitude * images) for images in draw)
        return pred.requires_grad_(), target.requires_grad_()

    def weights(self) -> tuple[Tensor, ...]:
        if self.matrix is None:
            return ()
        generator = torch.Generator().manual_seed(self.seed + 1)
        return (torch.rand(self.matrix, dtype=torch.float64, generator=generator),)


def every_other_column(images: Tensor) -> Tensor:
    return torch.stack((images, images), -1).flatten(-2)[..., ::2].detach()


LAYOUTS = {
    "contiguous": torch.Tensor.contiguous,
    "channels_last": lambda images: images.contiguous(memory_format=torch.channels_last),
    "transposed": lambda images: images.transpose(2, 3).contiguous().transpose(2, 3),
    "strided": every_other_column,
}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    factor = draw(st.integers(1, 3))
    patch = (draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    n, c = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    average = draw(st.booleans())
    whole = (1 if average else n, factor**2, c, *patch)  # of the weights
    matrix = draw(st.sampled_from([None, None, patch, (c, *patch), (1, c, *patch), whole, (1, *whole[1:])]))
    options = {
        "loss_weight": draw(st.sampled_from([1.0, 0.0, 100.0])),
        "alpha": draw(st.sampled_from([1.0, 0.0, 0.5, 1.5, 2.0, 3.0])),
        "patch_factor": factor,
        "ave_spectrum": average,
        "log_matrix": draw(st.booleans()),
        "batch_matrix": draw(st.booleans()),
    }
    return Case(
        options,
        (n, c, factor * patch[0], factor * patch[1]),
        matrix,
        draw(st.sampled_from(sorted(LAYOUTS))),
        draw(st.sampled_from([1.0, 1e-2, 255.0])),
        draw(st.integers(0, 2**16)),
    )


def assert_all_close(actual: tuple[Tensor, ...], expected: tuple[Tensor, ...], precision: float) -> None:
    for got, wanted in zip(actual, expected):
        atol = precision * float(wanted.abs().max())
        torch.testing.assert_close(got.to(wanted), wanted, rtol=precision, atol=atol)


@random_cases(150)
@given(cases())
def test_value_and_gradients(case: Case) -> None:
    pred, target = case.images()
    official = Official(**case.options)(pred, target, *case.weights())
    expected = (official.detach(), *torch.autograd.grad(official, (pred, target)))
    loss = FocalFrequencyLoss(**case.options)

    # log(1 + x), which the official code writes out, is exact to 1e-16 / x only.
    exact = 1e-7 if case.options["log_matrix"] else 1e-10
    ours = loss(pred, target, *case.weights())
    assert_all_close((ours.detach(), *torch.autograd.grad(ours, (pred, target))), expected, exact)

    with torch.no_grad():
        assert_all_close((loss(pred, target, *case.weights()),), expected, exact)

    single = [images.detach().float().requires_grad_() for images in (pred, target)]
    ours = loss(*single, *(weights.float() for weights in case.weights()))
    assert ours.dtype == torch.float32
    assert_all_close((ours.detach(), *torch.autograd.grad(ours, single)), expected, 2e-4)


@pytest.mark.parametrize("average", [False, True], ids=["image", "batch"])
def test_gradient_of_a_gradient(average: bool) -> None:
    """The weights are constants for the official code, in second derivatives as in first."""
    case = Case({"ave_spectrum": average}, (2, 2, 4, 5), None, "contiguous", 1.0, 3)
    pred, target = case.images()

    def second(loss: torch.nn.Module) -> tuple[Tensor, ...]:
        (gradient,) = torch.autograd.grad(loss(pred, target), pred, create_graph=True)
        return torch.autograd.grad(gradient.pow(3).sum(), (pred, target))

    assert_all_close(
        second(FocalFrequencyLoss(ave_spectrum=average)), second(Official(ave_spectrum=average)), 1e-10
    )


@pytest.mark.parametrize("average", [False, True], ids=["image", "batch"])
def test_gradient_of_a_gradient_by_an_image_and_what_follows_from_it(average: bool) -> None:
    """As of a cycle: the target is computed from the image that is compared with it."""
    images, _ = Case({}, (2, 2, 4, 5), None, "contiguous", 1.0, 3).images()

    def derivatives(loss: torch.nn.Module) -> tuple[Tensor, ...]:
        distance = loss(images, images.flip(-1) * 0.5)
        (gradient,) = torch.autograd.grad(distance, images, create_graph=True)
        return gradient.detach(), *torch.autograd.grad(gradient.pow(3).sum(), images)

    assert_all_close(
        derivatives(FocalFrequencyLoss(ave_spectrum=average)),
        derivatives(Official(ave_spectrum=average)),
        1e-10,
    )


def test_batches_of_different_sizes() -> None:
    generator = torch.Generator().manual_seed(5)
    pred = torch.randn(2, 3, 4, 6, dtype=torch.float64, generator=generator)
    target = torch.randn(5, 3, 4, 6, dtype=torch.float64, generator=generator)
    expected = Official(ave_spectrum=True)(pred, target)
    torch.testing.assert_close(FocalFrequencyLoss(ave_spectrum=True)(pred, target), expected)
