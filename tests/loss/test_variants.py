"""The paper's comparison losses, against their definitions written out over whole spectra."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.fft
import torch

from ffl_plugin import variants
from ffl_plugin.integrations._variants import FUNCTIONS
from ffl_plugin.loss import focal_frequency_loss

LOSSES = [loss.__name__ for loss in FUNCTIONS.values()]
SHAPES = [(2, 3, 8, 8), (1, 1, 7, 9), (3, 2, 6, 11)]


def images(shape: tuple[int, ...], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pred, target = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return pred.requires_grad_(), target


def whole(image: torch.Tensor) -> torch.Tensor:
    return torch.fft.fft2(image, norm="ortho")


# The distance of each focal loss, written over whole spectra.
DISTANCES = {
    "without_frequency": lambda pred, target: (pred - target) ** 2,
    "without_phase": lambda pred, target: (whole(pred).abs() - whole(target).abs()) ** 2,
    "without_amplitude": lambda pred, target: (whole(pred) * whole(target).conj()).angle() ** 2,
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", DISTANCES)
def test_value_and_gradient_are_those_of_the_definition(name: str, shape: tuple[int, ...]) -> None:
    pred, target = images(shape)
    distance = DISTANCES[name](pred, target)
    weight = distance.detach().sqrt()
    expected = (weight / weight.amax((-2, -1), keepdim=True) * distance).mean()
    actual = getattr(variants, name)(pred, target)
    assert actual.item() == pytest.approx(expected.item())
    gradients = (torch.autograd.grad(loss, pred)[0] for loss in (actual, expected))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_log_spectrum_l1_is_its_definition(shape: tuple[int, ...]) -> None:
    pred, target = images(shape)
    rounding = (2 / 255) ** 2 / 12
    logarithms = [(whole(x).abs() ** 2 + rounding).log() for x in (pred, target)]
    expected = (logarithms[0] - logarithms[1]).abs().mean()
    actual = variants.log_spectrum_l1(pred, target)
    torch.testing.assert_close(actual, expected)
    torch.testing.assert_close(*(torch.autograd.grad(loss, pred)[0] for loss in (actual, expected)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_without_focal_is_the_mean_squared_error(shape: tuple[int, ...]) -> None:
    pred, target = images(shape)
    expected = torch.nn.functional.mse_loss(pred, target).item()
    assert variants.without_focal(pred, target).item() == pytest.approx(expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_dct_is_focal_on_the_cosine_transform(shape: tuple[int, ...]) -> None:
    pred, target = images(shape)
    distance = scipy.fft.dctn((pred - target).detach().numpy(), axes=(-2, -1), norm="ortho") ** 2
    weight = np.sqrt(distance) / np.sqrt(distance).max((-2, -1), keepdims=True)
    assert variants.dct_loss(pred, target).item() == pytest.approx((weight * distance).mean())


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite_for_identical_and_flat_images(name: str) -> None:
    for image in (torch.rand(2, 3, 8, 8), torch.zeros(2, 3, 8, 8)):
        pred = image.clone().requires_grad_()
        getattr(variants, name)(pred, image).backward()
        assert torch.isfinite(pred.grad).all()


@pytest.mark.parametrize("name", ["spectral_regularization", "binned_spectral_power"])
@pytest.mark.parametrize("size", [(1, 1), (3, 8), (8, 3)], ids=str)
def test_images_without_a_ring_are_refused_with_their_shape(name: str, size: tuple[int, int]) -> None:
    image = torch.zeros(2, 3, *size)
    with pytest.raises(ValueError, match=re.escape(str((2, 3, *size)))):
        getattr(variants, name)(image, image)
    smallest = torch.rand(2, 3, 4, 4)
    assert torch.isfinite(getattr(variants, name)(smallest, smallest.flip(0)))


@pytest.mark.parametrize("shape", [(2, 3, 8, 16), (1, 1, 32, 6)], ids=str)
def test_stationary_wavelet_agrees_with_pywavelets(shape: tuple[int, ...]) -> None:
    """A side of 6 is shorter than the filter, which goes around it more than once."""
    pywt = pytest.importorskip("pywt", reason="PyWavelets is not installed")
    pred, target = images(shape)
    low, mixed, high = 0.1 / 2, 0.01 / 2**0.5, 0.05  # a low pass of sum 1 in the place of √2
    (bands,) = pywt.swt2((pred - target).detach().numpy(), "sym7", level=1, axes=(-2, -1))
    ll, (lh, hl, hh) = bands
    expected = sum(
        weight * np.abs(band).mean() for weight, band in zip((low, mixed, mixed, high), (ll, lh, hl, hh))
    )
    assert variants.stationary_wavelet(pred, target).item() == pytest.approx(expected)


def by_rolling(image: torch.Tensor, filters: tuple[np.ndarray, np.ndarray]) -> torch.Tensor:
    """One band of the stationary transform: circular convolutions down the columns and along the rows."""
    for axis, taps in zip((-2, -1), filters):
        image = sum(tap * image.roll(delay, axis) for delay, tap in enumerate(taps))
    return image


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_stationary_wavelet_by_rolling(shape: tuple[int, ...]) -> None:
    """Odd sides, which PyWavelets refuses; and the gradient."""
    pred, target = images(shape)
    low = np.array(variants.SYMLET)
    high = low[::-1] * np.resize([-1, 1], 14)
    low = low / low.sum()
    bands = {0.1: [(low, low)], 0.01: [(low, high), (high, low)], 0.05: [(high, high)]}
    expected = sum(
        weight * by_rolling(pred - target, filters).abs().mean()
        for weight, alike in bands.items()
        for filters in alike
    )
    actual = variants.stationary_wavelet(pred, target)
    torch.testing.assert_close(actual, expected)
    torch.testing.assert_close(*(torch.autograd.grad(loss, pred)[0] for loss in (actual, expected)))


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (3, 2, 7, 10), (1, 1, 12, 5)], ids=str)
def test_binned_spectral_power_is_its_definition(shape: tuple[int, ...]) -> None:
    """Ring by ring, over whole spectra."""
    pred, target = images(shape)
    height, width = shape[-2:]
    v, u = (torch.fft.fftfreq(side, 1 / side) for side in (height, width))
    rings = torch.hypot(v[:, None], u).round()
    energies = [whole(batch).abs() ** 2 / 2 for batch in (pred, target)]
    per_ring, epsilon = [], (2 / 255) ** 2 / 12 / 2
    for radius in range(1, min(height, width) // 2):
        generated, real = (energy[..., rings == radius].mean(-1) + epsilon for energy in energies)
        per_ring.append(((1 - generated / real) ** 2).sum(1))
    expected = torch.stack(per_ring).mean()
    actual = variants.binned_spectral_power(pred, target)
    torch.testing.assert_close(actual, expected)
    torch.testing.assert_close(*(torch.autograd.grad(loss, pred)[0] for loss in (actual, expected)))


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_kept_of_a_size_serves_training_after_validation(name: str) -> None:
    for made in (variants.dct_matrix, variants.symlet_responses, variants.ring_shares, variants.ring_indices):
        made.cache_clear()
    pred, target = images((1, 1, 6, 10))
    loss = getattr(variants, name)
    with torch.inference_mode():
        validated = loss(pred.clamp(-1, 1), target.clamp(-1, 1))
    trained = loss(pred.clamp(-1, 1), target.clamp(-1, 1))
    trained.backward()
    assert trained.item() == validated.item()


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_computed_in_single(name: str) -> None:
    pred, target = (image.detach().clamp(-1, 1).bfloat16() for image in images((2, 3, 8, 8)))
    loss = getattr(variants, name)
    expected = loss(pred.float(), target.float())
    assert loss(pred, target).dtype == torch.float32
    assert torch.equal(loss(pred, target), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(pred.float(), target.float()), expected)


def test_phases_do_not_see_contrast_and_amplitudes_do_not_see_shifts() -> None:
    _, target = images((1, 3, 8, 8))
    assert variants.without_amplitude(3 * target, target).item() == pytest.approx(0, abs=1e-12)
    assert variants.without_phase(target.roll(3, -1), target).item() == pytest.approx(0, abs=1e-12)
    assert focal_frequency_loss(target.roll(3, -1), target).item() > 0.1


def test_spectral_regularization_is_least_for_the_right_spectrum() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(8, 3, 32, 32, generator=generator) * 2 - 1
    smooth = torch.nn.functional.avg_pool2d(target, 3, 1, 1)
    right = variants.spectral_regularization(target, target)
    assert right < variants.spectral_regularization(smooth, target)
    assert variants.spectral_regularization(target.flip(-1), target).item() == pytest.approx(
        right.item(), rel=1e-5
    )


@pytest.mark.parametrize("shape", [(3, 2, 8, 8), (2, 1, 7, 10)], ids=str)
def test_spectral_regularization_is_its_definition(shape: tuple[int, ...]) -> None:
    pred, target = (image.detach().clamp(-1, 1) for image in images(shape))
    profiles = []
    for batch in (pred, target):
        power = np.mean(np.abs(np.fft.fft2((batch.numpy() + 1) / 2)) ** 2, axis=1)
        v, u = (np.fft.fftfreq(side, 1 / side) for side in shape[-2:])
        rings = np.rint(np.hypot(v[:, None], u))
        radii = range(1, min(shape[-2:]) // 2)
        mean_on_ring = np.stack([power[:, rings == radius].mean(-1) for radius in radii], -1)
        profiles.append(np.clip(mean_on_ring / power[:, :1, 0], 0, 1))
    generated, real = profiles[0], profiles[1].mean(0)
    expected = -(real * np.log(generated) + (1 - real) * np.log(1 - generated)).mean()
    assert variants.spectral_regularization(pred, target).item() == pytest.approx(expected, rel=1e-6)


def test_spectral_regularization_passes_a_gradient_to_the_generated_images_alone() -> None:
    pred, target = images((2, 3, 16, 16))
    target.requires_grad_()
    variants.spectral_regularization(pred, target).backward()
    assert pred.grad.abs().max() > 0
    assert target.grad is None


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("pred", "target"),
    [((2, 3, 8, 8), (2, 3, 8, 9)), ((0, 3, 8, 8), (0, 3, 8, 8)), ((3, 8, 8), (3, 8, 8))],
    ids=["half spectra of one width", "empty", "three axes"],
)
def test_images_that_do_not_fit_are_refused_with_their_shapes(
    name: str, pred: tuple[int, ...], target: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=re.escape(f"pred {pred} and target {target}")):
        getattr(variants, name)(torch.zeros(pred), torch.zeros(target))


def test_spectral_regularization_takes_batches_of_two_sizes() -> None:
    """It compares each image with the mean profile of the targets."""
    pred, target = torch.rand(2, 3, 8, 8), torch.rand(1, 3, 8, 8)
    expected = variants.spectral_regularization(pred, torch.cat([target, target]))
    torch.testing.assert_close(variants.spectral_regularization(pred, target), expected)
