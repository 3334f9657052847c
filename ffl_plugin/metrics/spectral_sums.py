"""Sums over the spectra of a set, batch after batch, on a CPU or GPU.

Transforms of 8-bit images are in single precision and sums in double. In one image a frequency's level then
errs by up to 5e-4 dB, where it has next to no power; averaged over ``_ENOUGH`` images it does so by less than
1e-4. Fewer images are transformed in double precision, which takes no time to speak of.
"""

from __future__ import annotations

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

ROUNDING_NOISE = 1.0 / 12.0  # of 8-bit images, the same power at every frequency
FOLDS = 20

_ENOUGH = 64


@dataclass(frozen=True)
class Batch:
    """What is summed of some images.

    Attributes:
        levels: (H, W//2 + 1) dB, sum over the images and channels.
        profiles: (B, R) dB, the radial log-power profile of each.
        high_energy: (B,) the share of energy in the high band of each.
        images: (B, H, W, 3) themselves.
    """

    levels: Tensor
    profiles: Tensor
    high_energy: Tensor
    images: Tensor


class SpectralSums:
    """What is summed over images of one size. All are 8-bit RGB of shape (H, W, 3).

    Attributes:
        arrays: the sums by name, as ``SpectralStatistics`` has them; ``log_half`` is the left half of the sum
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
        """Begin at zero.

        Args:
            size: (H, W) of the images.
            count: how many there will be.
            folds: how many parts the set is cut into; image i is in part i mod folds.
            device: where to compute; the CPU if it is not given.
        """
        height, width = size
        self.size, self.count, self.folds = size, count, min(folds, count)
        self.rings = Rings.of(height, width)
        self.device = device or torch.device("cpu")
        self._dtype = torch.float64 if count < _ENOUGH else torch.float32
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
        # Sums of whole numbers, which single precision has up to 2^24.
        self.arrays["images"] = torch.zeros(self.folds, height, width, 3, device=self.device)
        self.arrays["counts"] = torch.zeros(self.folds, dtype=torch.int64, device=self.device)

    def clear(self) -> None:
        """Begin at zero again."""
        for sums in self.arrays.values():
            sums.zero_()

    @torch.inference_mode()
    def measure(self, images: npt.NDArray[np.uint8]) -> Batch:
        """Measure images (B, H, W, 3); several threads may."""
        values = torch.from_numpy(images).to(self.device)
        channels = values.permute(0, 3, 1, 2).to(self._dtype, memory_format=torch.contiguous_format)
        energy = energy_of(channels)
        profiles, high_energy = self._ring_sums.measure(energy.mean(1))
        return Batch(decibels(energy).sum((0, 1)), decibels(profiles), high_energy, values)

    @torch.inference_mode()
    def add(self, items: Sequence[int], batch: Batch) -> None:
        """Add what was measured of images that have these places in the set."""
        folds = torch.tensor([item % self.folds for item in items], device=self.device)
        self.arrays["log_half"].add_(batch.levels, alpha=1 / 3)
        self.arrays["profiles"].index_add_(0, folds, batch.profiles)
        self.arrays["high_energy"].index_add_(0, folds, batch.high_energy)
        self.arrays["images"].index_add_(0, folds, batch.images.float())
        self.arrays["counts"].index_add_(0, folds, torch.ones_like(folds))

    def statistics(self) -> SpectralStatistics:
        """Return the statistics of what was added, which is to be all of it."""
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


def spectra_of(images: Sequence[Pixels], *, folds: int = FOLDS) -> SpectralStatistics:
    """Return the statistics of images of one size, (H, W, 3), that are in memory."""
    height, width = images[0].shape[:2]
    sums = SpectralSums((height, width), len(images), folds=folds)
    for index, image in enumerate(images):
        sums.add([index], sums.measure(image[None]))
    return sums.statistics()


def energy_of(channels: Tensor) -> Tensor:
    """Return |DFT|², the left half, zero frequency first: (..., H, W) -> (..., H, W//2 + 1).

    The mean, as a whole number, is taken from ``channels`` in place and joins after the transform, so that
    its rounding errors are at no other frequency.
    """
    height, width = channels.shape[-2:]
    mean = channels.mean((-2, -1), keepdim=True).round()
    spectrum = half_spectrum(channels.sub_(mean))
    spectrum[..., :1, :1] += mean * (height * width) ** 0.5
    return power(spectrum)


def decibels(energy: Tensor) -> Tensor:
    """Return 10·log10(energy + 1/12)."""
    return energy.add(ROUNDING_NOISE).log10_().mul_(10)


def _whole(half: Array, width: int) -> Array:
    """Mirror the left half (H, W//2 + 1) of the spectrum of a real image: F(−u, −v) = conj F(u, v)."""
    right = half[:, 1 : (width + 1) // 2]
    mirrored = np.roll(right[::-1, ::-1], 1, axis=0)
    return np.concatenate([half, mirrored], axis=1)
