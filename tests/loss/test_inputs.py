"""Precisions, memory layouts and refusals."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Callable

import pytest
import torch
from torch import Tensor

from ffl_plugin.loss import SPECTRA, FocalFrequencyLoss, focal_frequency_loss


def images(*shape: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred, target = (torch.randn(shape, generator=generator).clamp(-1, 1).to(dtype) for _ in range(2))
    return pred.requires_grad_(), target


def value_and_gradient(pred: Tensor, target: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    loss = focal_frequency_loss(pred, target, **options)
    return loss.detach(), torch.autograd.grad(loss, pred)[0]


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_single(spectrum: str, dtype: torch.dtype) -> None:
    pred, target = images(2, 3, 6, 10, dtype=dtype)
    single = (pred.detach().float().requires_grad_(), target.float())
    loss, gradient = value_and_gradient(pred, target, spectrum=spectrum)
    expected, expected_gradient = value_and_gradient(*single, spectrum=spectrum)
    assert loss.dtype == torch.float32 and gradient.dtype == dtype
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient, expected_gradient.to(dtype))


def test_scaled_gradient_survives_half_precision() -> None:
    """A gradient scaler multiplies the loss so that small gradients outlast float16; then comes the cast."""
    pred, target = images(1, 1, 64, 64, dtype=torch.float16)
    target = pred.detach() - 1e-3
    scale = 2.0**16
    (scaled,) = torch.autograd.grad(focal_frequency_loss(pred, target) * scale, pred)
    exact = pred.detach().double().requires_grad_()
    (expected,) = torch.autograd.grad(focal_frequency_loss(exact, target.double()), exact)
    error = (scaled.double() / scale - expected).abs().max()
    assert error < 1e-3 * expected.abs().max()


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("dtypes", [(torch.float32, torch.float64), (torch.bfloat16, torch.float32)], ids=str)
def test_mixed_precision_is_computed_in_the_higher(spectrum: str, dtypes: tuple[torch.dtype, ...]) -> None:
    pred, target = (x.detach().to(dtype) for x, dtype in zip(images(2, 2, 4, 6), dtypes))
    loss, gradient = value_and_gradient(pred.requires_grad_(), target, spectrum=spectrum)
    exact = pred.detach().double().requires_grad_()
    expected, expected_gradient = value_and_gradient(exact, target.double(), spectrum=spectrum)
    assert loss.dtype == torch.promote_types(*dtypes) and gradient.dtype == pred.dtype
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_autocast_changes_nothing(spectrum: str) -> None:
    pred, target = images(8, 3, 16, 16)
    expected = value_and_gradient(pred, target, spectrum=spectrum)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = value_and_gradient(pred, target, spectrum=spectrum)
    for got, wanted in zip(actual, expected):
        assert got.dtype == torch.float32 and torch.equal(got, wanted)


def test_products_in_lower_precision_change_nothing() -> None:
    pred, target = images(8, 3, 16, 16)
    expected = value_and_gradient(pred, target, spectrum="batch")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        actual = value_and_gradient(pred, target, spectrum="batch")
    finally:
        torch.set_float32_matmul_precision(before)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("patch_factor", [1, 2])
def test_channels_last(spectrum: str, patch_factor: int) -> None:
    pred, target = images(2, 3, 6, 8)
    options = {"spectrum": spectrum, "patch_factor": patch_factor}
    expected = value_and_gradient(pred, target, **options)
    pred = pred.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    loss, gradient = value_and_gradient(pred, target, **options)
    torch.testing.assert_close((loss, gradient), expected)
    if spectrum == "image":
        assert gradient.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_expanded_images(spectrum: str) -> None:
    """One image in place of a batch, without the memory of a batch."""
    pred, target = images(1, 3, 6, 8)
    batch = (pred.detach().expand(4, -1, -1, -1).requires_grad_(), target.expand(4, -1, -1, -1))
    expected, expected_gradient = value_and_gradient(pred, target, spectrum=spectrum)
    loss, gradient = value_and_gradient(*batch, spectrum=spectrum)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient.sum(0, keepdim=True), expected_gradient)


def test_inputs_are_left_alone() -> None:
    pred, target = images(2, 3, 6, 8)
    before = pred.detach().clone(), target.clone()
    for spectrum in SPECTRA:
        value_and_gradient(pred, target, spectrum=spectrum)
    assert torch.equal(pred, before[0]) and torch.equal(target, before[1])


@pytest.mark.parametrize("spectrum", ["image", "batch"])
def test_images_may_be_changed_after_the_forward_pass(spectrum: str) -> None:
    """As with the official package: logging may turn them to [0, 255] before the backward pass."""
    pred, target = images(2, 3, 6, 8)
    _, expected = value_and_gradient(pred, target, spectrum=spectrum)
    fake = pred * 1
    loss = focal_frequency_loss(fake, target, spectrum=spectrum)
    with torch.no_grad():
        fake.add_(1), target.mul_(2)
    assert torch.equal(torch.autograd.grad(loss, pred, retain_graph=True)[0], expected)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(loss, pred)  # computed anew, for which the images are needed


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_targets_of_inference_mode(spectrum: str) -> None:
    """A teacher's images; once more for the second backward pass, and for a second derivative."""
    pred, target = images(2, 3, 6, 8, dtype=torch.float64)
    _, expected = value_and_gradient(pred, target, spectrum=spectrum)
    with torch.inference_mode():
        target = target.clone()
    loss = focal_frequency_loss(pred, target, spectrum=spectrum)
    for create_graph in (False, False, True):
        (gradient,) = torch.autograd.grad(loss, pred, retain_graph=True, create_graph=create_graph)
        torch.testing.assert_close(gradient, expected)
    assert torch.autograd.grad(gradient.square().sum(), pred)[0].any()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_of_the_module(copied: Callable[[FocalFrequencyLoss], FocalFrequencyLoss]) -> None:
    pred, target = images(2, 3, 6, 8)
    loss = FocalFrequencyLoss(2.0, alpha=0.5, patch_factor=2, spectrum="batch")
    assert loss.state_dict() == {}
    assert repr(copied(loss)) == repr(loss)
    assert torch.equal(copied(loss)(pred, target), loss(pred, target))


def test_whole_numbers_do_not_wrap() -> None:
    pred = torch.tensor([[[[0, 255]]]], dtype=torch.uint8)
    loss = focal_frequency_loss(pred, pred.flip(-1), alpha=0)
    assert loss.item() == pytest.approx(255**2)


REFUSED = {
    "3-D": ((3, 4, 4), (3, 4, 4), {}, r"\(3, 4, 4\).*must both be \(N, C, H, W\)"),
    "broadcast target": ((2, 3, 4, 4), (1, 3, 4, 4), {}, r"\(2, 3, 4, 4\) and target \(1, 3, 4, 4\)"),
    "other channels": ((2, 3, 4, 4), (2, 1, 4, 4), {"spectrum": "batch"}, r"\(2, 1, 4, 4\)"),
    "empty": ((0, 3, 4, 4), (0, 3, 4, 4), {}, "must not be empty"),
    "patches": (
        (1, 1, 6, 6),
        (1, 1, 6, 6),
        {"patch_factor": 4},
        r"\(1, 1, 6, 6\).*patch_factor=4",
    ),
    "no patches": ((1, 1, 4, 4), (1, 1, 4, 4), {"patch_factor": 0}, "patch_factor .* not 0"),
    "half a patch": ((1, 1, 4, 4), (1, 1, 4, 4), {"patch_factor": 1.5}, "patch_factor .* not 1.5"),
    "negative alpha": ((1, 1, 4, 4), (1, 1, 4, 4), {"alpha": -1.0}, "alpha must be a finite number >= 0"),
    "alpha nan": ((1, 1, 4, 4), (1, 1, 4, 4), {"alpha": float("nan")}, "not nan"),
    "spectrum": ((1, 1, 4, 4), (1, 1, 4, 4), {"spectrum": "mean"}, "one of image, batch.*not 'mean'"),
    "reduction": ((1, 1, 4, 4), (1, 1, 4, 4), {"reduction": "sum"}, "'mean' or 'none', not 'sum'"),
    "none of a batch": (
        (1, 1, 4, 4),
        (1, 1, 4, 4),
        {"reduction": "none", "spectrum": "batch"},
        "one loss per image",
    ),
    "sync of images": ((1, 1, 4, 4), (1, 1, 4, 4), {"sync": True}, "averages nothing"),
}


@pytest.mark.parametrize("pred, target, options, message", REFUSED.values(), ids=REFUSED)
def test_refused(
    pred: tuple[int, ...], target: tuple[int, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        focal_frequency_loss(torch.zeros(pred), torch.zeros(target), **options)


@pytest.mark.parametrize(
    "matrix, options",
    [
        ((4,), {}),
        ((4, 5), {}),
        ((2, 4, 6), {}),
        ((3, 3, 4, 6), {}),
        ((2, 2, 3, 4, 6), {}),
        ((2, 3, 4, 6), {"spectrum": "batch"}),
        ((2, 3, 2, 3), {"patch_factor": 2}),
        ((4, 6), {"patch_factor": 2}),
        ((1, 2, 4, 3, 2, 3), {"patch_factor": 2}),
    ],
    ids=str,
)
def test_refused_weights(matrix: tuple[int, ...], options: dict[str, Any]) -> None:
    images = torch.zeros(2, 3, 4, 6)
    with pytest.raises(ValueError, match=r"matrix of shape .* does not fit spectra of shape"):
        focal_frequency_loss(images, images, matrix=torch.ones(matrix), **options)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.bool], ids=str)
def test_refused_images_of_no_real_numbers(dtype: torch.dtype) -> None:
    images = torch.zeros(1, 1, 4, 4, dtype=dtype)
    with pytest.raises(ValueError, match="real images"):
        focal_frequency_loss(images, images)


@pytest.mark.parametrize("places", [("pred",), ("target",), ("pred", "target")], ids=str)
def test_refused_images_that_are_no_tensors(places: tuple[str, ...]) -> None:
    images = {"pred": torch.zeros(1, 1, 4, 4), "target": torch.zeros(1, 1, 4, 4)}
    arrays = {name: images[name].numpy() for name in places}
    message = rf"^{places[0]} must be a torch\.Tensor of shape \(N, C, H, W\), not numpy\.ndarray$"
    with pytest.raises(TypeError, match=message):
        focal_frequency_loss(**{**images, **arrays})


def test_a_subclass_refuses_empty_images_with_their_shape() -> None:
    class Subclass(FocalFrequencyLoss):
        def tensor2freq(self, x: torch.Tensor) -> torch.Tensor:
            return super().tensor2freq(x)

    empty = torch.zeros(0, 3, 8, 8)
    with pytest.raises(ValueError, match=r"\(0, 3, 8, 8\).* not empty"):
        Subclass()(empty, empty)


def test_module_options_are_checked_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="patch_factor"):
        FocalFrequencyLoss(patch_factor=0)
    with pytest.raises(ValueError, match="ave_spectrum=True means spectrum='batch'"):
        FocalFrequencyLoss(ave_spectrum=True, spectrum="image")
    assert FocalFrequencyLoss(ave_spectrum=True).spectrum == "batch"
    assert "spectrum='batch-amplitude'" in repr(FocalFrequencyLoss(spectrum="batch-amplitude"))
