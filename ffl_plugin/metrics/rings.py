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

    A group is the part of a ring on one side of ``HIGH_BAND``. The zero frequency, the mean brightness, is a
    group of its own, the first.

    Attributes:
        frequencies: (R,) mean radial frequency of each ring, cycles per pixel; the first is zero.
        counts: (R,) entries of the whole spectrum in each ring.
        multiplicity: (W//2 + 1,) how often each column occurs in the whole spectrum.
        group: (H·(W//2 + 1),) the group of each entry.
        ring: (G,) the ring of each group.
        high: (G,) whether the group is at ``HIGH_BAND`` or above.
    """

    frequencies: Array
    counts: Array
    multiplicity: Array
    group: npt.NDArray[np.int64]
    ring: npt.NDArray[np.int64]
    high: npt.NDArray[np.bool_]

    @staticmethod
    @lru_cache(maxsize=4)
    def of(height: int, width: int) -> Rings:
        """Return the rings for images of one size."""
        radius = radial_frequency(height, width)[:, : width // 2 + 1].numpy()
        multiplicity = column_multiplicity(width, torch.empty(0, dtype=torch.float64)).numpy()
        weight = np.broadcast_to(multiplicity, radius.shape).ravel()
        radius = radius.ravel()
        step = np.rint(radius * min(height, width)).astype(np.int64)
        _, ring = np.unique(step, return_inverse=True)
        counts: Array = np.bincount(ring, weight).astype(np.float64)
        kind = np.where(radius > 0, 1 + (radius >= HIGH_BAND), 0)
        kinds, group = np.unique(3 * ring + kind, return_inverse=True)
        return Rings(
            np.bincount(ring, radius * weight) / counts,
            counts,
            multiplicity,
            group,  # 64-bit: index_add_ of torch 2.13 takes 1.8 ms at 256×256 with 32, 0.03 ms with 64
            kinds // 3,
            kinds % 3 == 2,
        )


class RingSums:
    """Sums of half power spectra over the rings, for batches of one image size on one device."""

    def __init__(self, rings: Rings, device: torch.device) -> None:
        """Move the rings to the device."""
        self._multiplicity, self._counts, self._group, self._ring, self._high = (
            torch.tensor(array, device=device)
            for array in (rings.multiplicity, rings.counts, rings.group, rings.ring, rings.high)
        )

    def measure(self, power: Tensor) -> tuple[Tensor, Tensor]:
        """Average power over each ring, and compute the high band's share of the energy.

        Args:
            power: (B, H, W//2 + 1), the half power spectra of B images.

        Returns:
            The means (B, R) and the shares (B,) of the energy at ``HIGH_BAND`` and above, without DC, both
            float64. The share is 0 for an image without texture.
        """
        weighted = power * self._multiplicity
        groups = _sums(weighted.flatten(1), self._group, len(self._ring))
        rings = _sums(groups, self._ring, len(self._counts))
        high, textured = (groups * self._high).sum(1), groups[:, 1:].sum(1)
        return rings / self._counts, torch.where(textured > 0, high / textured, 0)


def _sums(values: Tensor, index: Tensor, count: int) -> Tensor:
    """Sum values (B, N) of equal index (N,): (B, count)."""
    return values.new_zeros(len(values), count).index_add_(1, index, values)
