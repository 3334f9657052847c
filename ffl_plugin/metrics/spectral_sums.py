"""Sums over the spectra of a set, in batches, on a CPU or GPU.

Transforms of 8-bit images are in single precision and sums in double. In a single image, the decibels of a
frequency with almost no power have an error of up to 5e-4 dB; averaged over ``_ENOUGH`` images, of less than
1e-4. Fewer images are transformed in double precision, at negligible cost.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ffl_plugin.metrics.decode import Pixels
from ffl_plugin.metrics.rings import Array, Rings, RingSums
from ffl_plugin.metrics.spectra import SpectralStatistics
from ffl_plugin.spectrum import half_spectrum, power

ROUNDING_NOISE = 1.0 / 12.0  # power of 8-bit rounding, equal at every frequency
FOLDS = 20

_ENOUGH = 64


@dataclass(frozen=True)
class Batch:
    """Measurements of some images.

    Attributes:
        decibels: (H, W//2 + 1) dB, sum over the images and channels.
        profiles: (B, R) dB, radial log-power profile of each.
        high_energy: (B,) share of energy in the high band of each.
        images: (B, H, W, 3) the images.
    """

    decibels: Tensor
    profiles: Tensor
    high_energy: Tensor
    images: Tensor


class SpectralSums:
    """Sums over images of one size, 8-bit RGB of shape (H, W, 3).

    Attributes:
        arrays: the sums by name, as in ``SpectralStatistics``; ``log_half`` is the left half of the sum
            of the log spectra, zero frequency first.
    """

    def __init__(
        self,
        size: tuple[int, int],
        count: int,
        *,
        folds: int = FOLDS,
        device: Optional[torch.device] = None,
    ) -> None:
        """Initialise with zeros.

        Args:
            size: (H, W) of the images.
            count: total number of images.
            folds: number of parts; image i is in part i mod folds.
            device: by default the CPU.
        """
        height, width = size
        self.size, self.count, self.folds = size, count, min(folds, count)
        self.rings = Rings.of(height, width)
        self.device = device or torch.device("cpu")
        self._dtype = torch.float64 if count < _ENOUGH else torch.float32
        self._buffers = threading.local()
        self._ring_sums = RingSums(self.rings, self.device)
        shapes = {
            "log_half": (height, width // 2 + 1),
            "profiles": (self.folds, len(self.rings.frequencies)),
            "high_energy": (self.folds,),
        }
        self.arrays = {
            name: torch.zeros(shape, dtype=torch.float64, device=self.device)
            for name, shape in shapes.items()
        }
        # Sums of integers, exact in single precision up to 2^24.
        self.arrays["images"] = torch.zeros(self.folds, height, width, 3, device=self.device)
        self.arrays["counts"] = torch.zeros(self.folds, dtype=torch.int64, device=self.device)

    def clear(self) -> None:
        """Reset to zero."""
        for sums in self.arrays.values():
            sums.zero_()

    @torch.inference_mode()
    def measure(self, images: npt.NDArray[np.uint8]) -> Batch:
        """Measure images (B, H, W, 3); thread-safe."""
        values = torch.from_numpy(images).to(self.device)
        channels = self._buffer(len(images)).copy_(values.permute(0, 3, 1, 2))
        red, green, blue = energy_of(channels).unbind(1)
        profiles, high_energy = self._ring_sums.measure((red + green).add_(blue).div_(3))
        for energy in (red, green, blue):
            energy.add_(ROUNDING_NOISE)
        # One logarithm, of the product, takes 0.4 of the time of three. The product is at most (255²·H·W)³:
        # below 2e38, and so finite, for every image that ``decode`` accepts.
        decibels = red.mul_(green).mul_(blue).log10_().sum(0).mul_(10)
        return Batch(decibels, (profiles + ROUNDING_NOISE).log10_().mul_(10), high_energy, values)

    def _buffer(self, count: int) -> Tensor:
        """Return this thread's buffer (count, 3, H, W): new memory each time costs a tenth of the time."""
        buffer: Optional[Tensor] = getattr(self._buffers, "channels", None)
        if buffer is None or len(buffer) != count:
            buffer = torch.empty(count, 3, *self.size, dtype=self._dtype, device=self.device)
            self._buffers.channels = buffer
        return buffer

    @torch.inference_mode()
    def add(self, items: Sequence[int], batch: Batch) -> None:
        """Add measurements of images at these positions of the set."""
        folds = torch.tensor([item % self.folds for item in items], device=self.device)
        self.arrays["log_half"].add_(batch.decibels, alpha=1 / 3)
        self.arrays["profiles"].index_add_(0, folds, batch.profiles)
        self.arrays["high_energy"].index_add_(0, folds, batch.high_energy)
        self.arrays["images"].index_add_(0, folds, batch.images.float())
        self.arrays["counts"].index_add_(0, folds, torch.ones_like(folds))

    def statistics(self) -> SpectralStatistics:
        """Return the statistics, once all images have been added."""
        sums = {name: tensor.cpu().numpy() for name, tensor in self.arrays.items()}
        return SpectralStatistics(
            self.size,
            sums["counts"],
            np.fft.fftshift(_whole(sums["log_half"] / self.count, self.size[1])),
            self.rings.frequencies,
            sums["profiles"],
            sums["high_energy"],
            sums["images"],
        )


def spectra_of(images: Sequence[Pixels]) -> SpectralStatistics:
    """Return the statistics of images of one size, (H, W, 3), in memory."""
    height, width = images[0].shape[:2]
    sums = SpectralSums((height, width), len(images))
    for index, image in enumerate(images):
        sums.add([index], sums.measure(image[None]))
    return sums.statistics()


def energy_of(channels: Tensor) -> Tensor:
    """Return |DFT|², the left half, zero frequency first: (..., H, W) -> (..., H, W//2 + 1).

    The mean, as an integer, is subtracted from ``channels`` in place and added after the transform, so that
    its rounding errors do not affect other frequencies.
    """
    height, width = channels.shape[-2:]
    mean = channels.mean((-2, -1), keepdim=True).round()
    spectrum = half_spectrum(channels.sub_(mean))
    spectrum[..., :1, :1] += mean * (height * width) ** 0.5
    return power(spectrum)


def _whole(half: Array, width: int) -> Array:
    """Mirror the left half (H, W//2 + 1) of the spectrum of a real image: F(−u, −v) = conj F(u, v)."""
    right = half[:, 1 : (width + 1) // 2]
    mirrored = np.roll(right[::-1, ::-1], 1, axis=0)
    return np.concatenate([half, mirrored], axis=1)
