"""The paper's two networks without a public upstream: the vanilla autoencoder and the VAE.

Images are (N, 3, H, W) float32 in [-1, 1], H = W.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class VanillaAutoencoder(nn.Module):
    """Two fully connected layers, images -> images: the paper's vanilla AE (section 4.1).

    ``size`` is the height and width of the images in pixels. Weights start as N(0, 0.02²) and
    biases at zero, as in the authors' trainer.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        pixels, hidden = 3 * size * size, 256
        inwards, outwards = nn.Linear(pixels, hidden), nn.Linear(hidden, pixels)
        self.encoder = nn.Sequential(nn.Flatten(), inwards, nn.ReLU())
        self.decoder = nn.Sequential(outwards, nn.Tanh(), nn.Unflatten(1, (3, size, size)))
        for layer in (inwards, outwards):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct (N, 3, H, W) images."""
        reconstruction: Tensor = self.decoder(self.encoder(images))
        return reconstruction


class VAEOutput(NamedTuple):
    """Output of the VAE: (N, 3, H, W) images and the (N, latent) parameters of the posterior q(z|x)."""

    reconstruction: Tensor
    mean: Tensor
    log_variance: Tensor


class ConvolutionalVAE(nn.Module):
    """A convolutional variational autoencoder (Kingma and Welling 2014) with DCGAN's layers.

    The encoder halves the image by strided convolutions down to 4 x 4, doubling the channels from ``width``
    up to 8 ``width``; the decoder mirrors it. ``size`` is a power of two, at least 16. The paper only says
    "CNN-based", so the layers are this package's choice.
    """

    def __init__(self, size: int, latent: int = 256, width: int = 64) -> None:
        super().__init__()
        halvings = int(math.log2(size)) - 2
        if size != 4 * 2**halvings or halvings < 2:
            raise ValueError(f"size must be a power of two of at least 16, got {size}")
        channels = [width * min(2**i, 8) for i in range(halvings)]
        self.latent = latent

        encoder: list[nn.Module] = []
        for before, after in zip([3, *channels], channels):
            encoder += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.encoder = nn.Sequential(*encoder, nn.Flatten())  # (N, 3, H, W) -> (N, 16 * channels[-1])
        self.posterior = nn.Linear(16 * channels[-1], 2 * latent)  # -> mean and log variance

        decoder: list[nn.Module] = [
            nn.Linear(latent, 16 * channels[-1]),
            nn.Unflatten(1, (channels[-1], 4, 4)),
        ]
        for before, after in zip(channels[::-1], [*channels[-2::-1], 3]):
            decoder += [nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1)]
        self.decoder = nn.Sequential(*decoder, nn.Tanh())  # (N, latent) -> (N, 3, H, W)

    def forward(self, images: Tensor) -> VAEOutput:
        """Encode, sample z = mean + sigma * noise while training (z = mean in evaluation), decode."""
        mean, log_variance = self.posterior(self.encoder(images)).chunk(2, dim=1)
        z = mean
        if self.training:
            z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return VAEOutput(self.decoder(z), mean, log_variance)


class FreeImage(nn.Module):
    """An image whose pixels are the parameters, (1, 3, H, W): Figure 3's reconstruction without a network.

    Initialised with noise around mid-grey. The input is the target and does not affect the output.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.pixels = nn.Parameter(0.1 * torch.randn(1, 3, size, size))

    def forward(self, images: Tensor) -> Tensor:
        """Return the pixels, whatever the target."""
        return self.pixels.expand_as(images)
