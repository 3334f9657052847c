from __future__ import annotations

import pytest
import torch

from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.reproduce.models import VAEOutput
from ffl_plugin.reproduce.objectives import EvidenceLowerBound, Reconstruction, kl_divergence

IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
OUTPUT = VAEOutput(0.5 * IMAGES, torch.full((4, 8), 0.3), torch.full((4, 8), -1.0))
WITH_FFL = Reconstruction(extra={"FFL": (100.0, focal_frequency_loss)})


def model(images: torch.Tensor) -> VAEOutput:
    return OUTPUT


def test_reconstruction_names_and_weighs_its_terms() -> None:
    terms = WITH_FFL(lambda images: 0.5 * images, IMAGES)
    assert terms["MSE"].item() == pytest.approx((IMAGES**2).mean().item() / 4)
    assert terms["FFL"].item() == pytest.approx(100 * focal_frequency_loss(0.5 * IMAGES, IMAGES).item())
    assert list(Reconstruction(mse_weight=0, extra=WITH_FFL.extra)(lambda images: images, IMAGES)) == ["FFL"]


def test_kl_is_that_of_two_gaussians() -> None:
    mean, log_variance = torch.tensor([[0.7, -1.2]]), torch.tensor([[0.4, -0.9]])
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0, 1)).mean()
    assert kl_divergence(mean, log_variance).item() == pytest.approx(expected.item())


def test_balances() -> None:
    """With r = (MSE + FFL) / MSE, plain FFL lowers KL / reconstruction by r; the others keep or mimic it."""
    baseline = EvidenceLowerBound(Reconstruction(), 0.01)(model, IMAGES)
    as_is = EvidenceLowerBound(WITH_FFL, 0.01)(model, IMAGES)
    in_ratio = EvidenceLowerBound(WITH_FFL, 0.01, "kl-in-ratio")(model, IMAGES)
    scaled = EvidenceLowerBound(WITH_FFL, 0.01, "mse-scaled")(model, IMAGES)
    reconstruction = as_is["MSE"] + as_is["FFL"]
    assert as_is["KL"] == baseline["KL"] == scaled["KL"]
    assert list(scaled) == ["MSE", "KL"]
    assert scaled["MSE"].item() == pytest.approx(reconstruction.item())
    kept = in_ratio["KL"] / (in_ratio["MSE"] + in_ratio["FFL"])
    assert kept.item() == pytest.approx((baseline["KL"] / baseline["MSE"]).item())


def test_the_control_takes_only_the_size_of_ffl() -> None:
    """The gradient of "mse-scaled" is parallel to the MSE's: none of it comes through the FFL."""
    pixels = (0.5 * IMAGES).clone().requires_grad_()

    def free(images: torch.Tensor) -> VAEOutput:
        return VAEOutput(pixels, OUTPUT.mean, OUTPUT.log_variance)

    terms = EvidenceLowerBound(WITH_FFL, 0.01, "mse-scaled")(free, IMAGES)
    (gradient,) = torch.autograd.grad(sum(terms.values()), pixels)
    (plain,) = torch.autograd.grad(torch.nn.functional.mse_loss(pixels, IMAGES), pixels)
    assert torch.nn.functional.cosine_similarity(
        gradient.flatten(), plain.flatten(), 0
    ).item() == pytest.approx(1)
