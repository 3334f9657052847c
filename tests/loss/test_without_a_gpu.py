"""On a GPU everything stays there and the host reads no value. Seen without one, by tensors without data.

Such a tensor has a shape and a device, and raises where its value is asked for. This takes a torch that is
built for CUDA, on any machine; autograd's backward pass would ask for the driver.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from ffl_plugin import FocalFrequencyLoss, fused, variants
from ffl_plugin.distance import Weighting
from ffl_plugin.integrations._variants import FUNCTIONS
from ffl_plugin.loss import SPECTRA

pytestmark = pytest.mark.skipif(not torch.backends.cuda.is_built(), reason="this torch is built without CUDA")

OPTIONS: list[dict[str, Any]] = [
    {},
    {"alpha": 2.0},
    {"patch_factor": 2},
    {"log_matrix": True},
    {"batch_matrix": True},
    {"loss_weight": 3.0},
    {"alpha": 3.0, "patch_factor": 4, "log_matrix": True, "batch_matrix": True},
]


@pytest.fixture(autouse=True)
def without_data() -> Iterator[None]:
    kept = (variants.dct_matrix, variants.symlet_responses, variants.ring_shares, variants.ring_indices)
    with FakeTensorMode():
        yield
    for made in kept:
        made.cache_clear()


def images(dtype: torch.dtype = torch.float32, **options: Any) -> Tensor:
    return torch.empty(4, 3, 16, 24, device="cuda", dtype=dtype, **options)


def assert_on_the_gpu(*results: Tensor) -> None:
    for result in results:
        assert result.device.type == "cuda"


def test_a_value_that_is_read_raises() -> None:
    """What the other tests rest on."""
    with pytest.raises(Exception, match=r"item|local_scalar"):
        images().sum().item()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_forward(spectrum: str, options: dict[str, Any], dtype: torch.dtype) -> None:
    pred = images(dtype, requires_grad=True)
    loss = FocalFrequencyLoss(spectrum=spectrum, **options)(pred, images(dtype))
    assert_on_the_gpu(loss)


@pytest.mark.parametrize("spectrum", ["image", "batch"])
def test_given_weights(spectrum: str) -> None:
    pred = images(requires_grad=True)
    loss = FocalFrequencyLoss(spectrum=spectrum)(pred, images(), torch.empty(16, 24, device="cuda"))
    assert_on_the_gpu(loss)


def test_learnable_weight() -> None:
    weight = torch.nn.Parameter(torch.empty((), device="cuda"))
    loss = FocalFrequencyLoss(loss_weight=weight)(images(), images())
    assert_on_the_gpu(loss)


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize(
    "weighting", [Weighting(), Weighting(2.0, 2, True, True), Weighting(batch_matrix=True)], ids=str
)
def test_what_training_takes(weighting: Weighting, averaged: bool, mean: bool) -> None:
    """Tensors without data make the loss take plain operations: the path of training is called by hand."""
    gradient, _, distance = fused.gradient_and_distance(images(), images(), weighting, averaged, mean)
    assert_on_the_gpu(gradient, distance, fused._scaled(gradient, torch.empty((), device="cuda"), 0.5))


@pytest.mark.parametrize("variant", FUNCTIONS)
def test_variants(variant: str) -> None:
    pred = images(requires_grad=True)
    loss = FUNCTIONS[variant](pred, images())
    assert_on_the_gpu(loss)
