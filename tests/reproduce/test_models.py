from __future__ import annotations

import pytest
import torch

from ffl_plugin.reproduce.models import ConvolutionalVAE, FreeImage, VanillaAutoencoder


def test_the_vanilla_autoencoder_has_the_papers_two_layers() -> None:
    model = VanillaAutoencoder(64)
    assert [tuple(p.shape) for p in model.parameters()] == [(256, 12288), (256,), (12288, 256), (12288,)]
    assert model.encoder[1].weight.std().item() == pytest.approx(0.02, rel=0.01)
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    reconstruction = model(images)
    assert reconstruction.shape == images.shape
    assert reconstruction.abs().max() <= 1


@pytest.mark.parametrize("size", [16, 64, 256])
def test_the_vae_mirrors_its_encoder(size: int) -> None:
    model = ConvolutionalVAE(size, latent=8, width=4)
    output = model(torch.zeros(2, 3, size, size))
    assert output.reconstruction.shape == (2, 3, size, size)
    assert output.mean.shape == output.log_variance.shape == (2, 8)


def test_the_vae_adds_noise_in_training_alone() -> None:
    model = ConvolutionalVAE(16, latent=4, width=4)
    images = torch.rand(4, 3, 16, 16)
    assert not torch.equal(model(images).reconstruction, model(images).reconstruction)
    model.eval()
    assert torch.equal(model(images).reconstruction, model(images).reconstruction)


@pytest.mark.parametrize("size", [8, 48, 100])
def test_the_vae_refuses_sizes_that_do_not_halve_to_four(size: int) -> None:
    with pytest.raises(ValueError, match=f"power of two of at least 16, got {size}"):
        ConvolutionalVAE(size)


def test_a_free_image_ignores_its_target() -> None:
    model = FreeImage(8)
    assert torch.equal(model(torch.zeros(1, 3, 8, 8)), model(torch.ones(1, 3, 8, 8)))
    assert [tuple(p.shape) for p in model.parameters()] == [(1, 3, 8, 8)]
