"""Rings of equal radial frequency over spectra of images, and the power in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ffl_plugin.spectrum import column_multiplicity, radial_frequency

Array = npt.NDArray[np.float64]

HIGH_BAND = 0.25  # cycles per pixel: half of the Nyquist frequency


@dataclass(frozen=True)
class Rings:
    """Rings of equal radial frequency, one frequency step wide, over half spectra (H, W//2 + 1).

    Attributes:
        frequencies: (R,) mean radial frequency of each ring, cycles per pixel; the first is zero.
        ring: (H·(W//2 + 1),) the ring of each entry.
        weight: (H·(W//2 + 1),) how often each entry occurs in the whole spectrum.
        high: (H·(W//2 + 1),) whether the entry is at ``HIGH_BAND`` or above.
    """

    frequencies: Array
    ring: npt.NDArray[np.int64]
    weight: Array
    high: npt.NDArray[np.bool_]

    @staticmethod
    @lru_cache(maxsize=4)
    def of(height: int, width: int) -> Rings:
        """Return the rings for images of one size."""
        radius = radial_frequency(height, width)[:, : width // 2 + 1].numpy()
        multiplicity = column_multiplicity(width, torch.empty(0, dtype=torch.float64)).numpy()
        weight = np.broadcast_to(multiplicity, radius.shape).ravel()
        step = np.rint(radius.ravel() * min(height, width)).astype(np.int64)
        _, ring = np.unique(step, return_inverse=True)
        frequencies = np.bincount(ring, radius.ravel() * weight) / np.bincount(ring, weight)
        return Rings(frequencies, ring, weight, radius.ravel() >= HIGH_BAND)


class RingSums:
    """Sums of half power spectra over the rings, for batches of one image size on one device."""

    def __init__(self, rings: Rings, device: torch.device) -> None:
        """Move the rings to the device."""
        textured = np.ones(len(rings.weight))
        textured[0] = 0  # exclude the zero frequency, the mean brightness
        self._ring = torch.from_numpy(rings.ring).to(device)
        self._weight = torch.tensor(rings.weight, device=device)
        self._bands = torch.tensor(np.stack([rings.high, textured], 1), device=device)
        self._count = torch.tensor(np.bincount(rings.ring, rings.weight), device=device)

    def measure(self, power: Tensor) -> tuple[Tensor, Tensor]:
        """Average power over each ring, and compute the high band's share of the energy.

        Args:
            power: (B, H, W//2 + 1), the half power spectra of B images.

        Returns:
            The means (B, R) and the shares (B,) of the energy at ``HIGH_BAND`` and above, without DC, both
            float64. The share is 0 for an image without texture.
        """
        weighted = power.flatten(1) * self._weight
        sums = weighted.new_zeros(len(power), len(self._count)).index_add_(1, self._ring, weighted)
        high, textured = (weighted @ self._bands).unbind(1)
        return sums / self._count, torch.where(textured > 0, high / textured, 0)
