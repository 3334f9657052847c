"""Sampling that R1 can differentiate again, against torch's own operation."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from ffl_plugin.integrations.torch2 import grid_sample


def _pictures_and_grid(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    pictures = torch.randn(2, 3, 5, 6, dtype=dtype, generator=random).requires_grad_()
    grid = torch.rand(2, 4, 7, 2, dtype=dtype, generator=random) * 3 - 1.5  # some points outside
    return pictures, grid


def _torch_grid_sample(pictures: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_and_gradients_are_torchs_own(dtype: torch.dtype) -> None:
    pictures, grid = _pictures_and_grid(dtype)
    ours, torchs = grid_sample(pictures, grid), _torch_grid_sample(pictures, grid)
    assert torch.equal(ours, torchs)
    weights = torch.arange(ours.numel(), dtype=dtype).reshape(ours.shape)
    (our_gradient,) = torch.autograd.grad((ours * weights).sum(), pictures)
    (torchs_gradient,) = torch.autograd.grad((torchs * weights).sum(), pictures)
    assert torch.equal(our_gradient, torchs_gradient)


def test_the_gradient_can_be_differentiated_again() -> None:
    pictures, grid = _pictures_and_grid()
    assert torch.autograd.gradcheck(grid_sample, (pictures, grid))
    assert torch.autograd.gradgradcheck(grid_sample, (pictures, grid))


def test_an_r1_penalty_trains_what_comes_after_the_sampling() -> None:
    pictures, grid = _pictures_and_grid()
    weight = torch.linspace(0.5, 1.5, 3, dtype=torch.float64).reshape(1, 3, 1, 1).requires_grad_()

    def penalty_gradient(sample: object) -> torch.Tensor:
        logits = (sample(pictures, grid) * weight).square().sum()  # type: ignore[operator]
        (gradient,) = torch.autograd.grad(logits, pictures, create_graph=True)
        (of_weight,) = torch.autograd.grad(gradient.square().sum(), weight)
        return of_weight

    try:
        expected = penalty_gradient(_torch_grid_sample)
    except RuntimeError as error:
        assert "grid_sampler_2d_backward" in str(error)
        pytest.skip("this torch has no second derivative of its own to compare with")
    torch.testing.assert_close(penalty_gradient(grid_sample), expected)


def test_a_grid_that_is_learnt_gets_its_gradient() -> None:
    pictures, grid = _pictures_and_grid()
    grid.requires_grad_()
    (ours,) = torch.autograd.grad(grid_sample(pictures, grid).square().sum(), grid)
    (torchs,) = torch.autograd.grad(_torch_grid_sample(pictures, grid).square().sum(), grid)
    assert torch.equal(ours, torchs)
    assert ours.abs().sum() > 0
