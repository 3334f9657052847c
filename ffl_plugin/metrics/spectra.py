"""Spectra of sets of images, and distances between sets in frequency.

The DFT is unitary and images have values in [0, 255], so white 8-bit rounding noise has power 1/12 at every
frequency: power below it is treated as none, and decibels are 10·log10(power + 1/12). Radial
frequency is √(u² + v²) in cycles per pixel: 0.5 along an axis is the Nyquist frequency, 0.7071 the corner,
where checkerboard artefacts appear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ffl_plugin.metrics.rings import Array
from ffl_plugin.metrics.sources import SizesDiffer

CORNER = float(np.sqrt(0.5))


@dataclass(frozen=True)
class SpectralStatistics:
    """Statistics of one pass over a set; memory does not grow with the number of images.

    Attributes:
        size: (H, W) of every image.
        counts: (folds,) images per fold; image i is in fold i mod folds.
        log_spectrum: (H, W) dB, mean over images and channels, zero frequency in the middle.
        frequencies: (R,) cycles per pixel.
        fold_profiles: (folds, R) dB, sums over the images of a fold of the radial log-power profile.
        fold_high_energy: (folds,) sums of each image's share of energy at ``HIGH_BAND`` and above.
        fold_images: (folds, H, W, 3) sums of the images.
    """

    size: tuple[int, int]
    counts: npt.NDArray[np.int64]
    log_spectrum: Array
    frequencies: Array
    fold_profiles: Array
    fold_high_energy: Array
    fold_images: npt.NDArray[np.float32]

    @property
    def count(self) -> int:
        """Number of images."""
        return int(self.counts.sum())

    @property
    def profile(self) -> Array:
        """Radial log-power profile (R,) in dB: the mean over images."""
        mean: Array = self.fold_profiles.sum(axis=0) / self.count
        return mean

    @property
    def high_band_energy(self) -> float:
        """Share of the energy at ``HIGH_BAND`` and above, without DC, 0 to 1: the mean over images."""
        return float(self.fold_high_energy.sum() / self.count)

    @property
    def mean_image(self) -> Array:
        """Mean image (H, W, 3), [0, 255]; its DFT is the batch-averaged spectrum."""
        mean: Array = self.fold_images.sum(axis=0, dtype=np.float64) / self.count
        return mean

    def without(self, *folds: int) -> SpectralStatistics:
        """Leave folds out, for the jackknife; ``log_spectrum`` remains that of the whole set."""
        rest = np.delete(np.arange(len(self.counts)), folds)
        return replace(
            self,
            counts=self.counts[rest],
            fold_profiles=self.fold_profiles[rest],
            fold_high_energy=self.fold_high_energy[rest],
            fold_images=self.fold_images[rest],
        )


@dataclass(frozen=True)
class SpectralDistances:
    """Distances of a set from the reals in frequency.

    Attributes:
        profile_distance: root mean square difference of the radial log-power profiles, dB.
        bands: (low, high, dB) for equal bands of radial frequency: the log-spectral distance within each.
        high_band_energy_ratio: energy share at ``HIGH_BAND`` and above, relative to the reals; 1 is equal.
        mean_spectrum_distance: mean |DFT(mean image) − DFT(mean real image)|²; by Parseval the MSE of the
            mean images. This is what the paper's mini-batch average spectrum compares.
    """

    profile_distance: float
    bands: tuple[tuple[float, float, float], ...]
    high_band_energy_ratio: float
    mean_spectrum_distance: float


def spectral_distances(
    fakes: SpectralStatistics, reals: SpectralStatistics, *, bands: int = 8
) -> SpectralDistances:
    """Compare two sets of equal image size; raises ``SizesDiffer`` if the sizes differ."""
    if fakes.size != reals.size:
        raise SizesDiffer(
            f"spectra are compared at one image size, not {fakes.size[1]}x{fakes.size[0]} and "
            f"{reals.size[1]}x{reals.size[0]}; resize one of the sets"
        )
    squares = (fakes.profile - reals.profile) ** 2
    edges = np.linspace(0.0, CORNER, bands + 1)
    band = np.clip(np.searchsorted(edges, reals.frequencies, side="right") - 1, 0, bands - 1)
    # The zero frequency is the mean brightness, not texture: it belongs to no band.
    textured = reals.frequencies > 0
    distances = tuple(
        (float(edges[b]), float(edges[b + 1]), _root_mean(squares[textured & (band == b)]))
        for b in range(bands)
    )
    reference = reals.high_band_energy
    return SpectralDistances(
        profile_distance=_root_mean(squares[textured]),
        bands=distances,
        high_band_energy_ratio=fakes.high_band_energy / reference if reference > 0 else float("nan"),
        mean_spectrum_distance=float(np.mean((fakes.mean_image - reals.mean_image) ** 2)),
    )


def _root_mean(squares: Array) -> float:
    # A band of a tiny image may contain no frequency.
    return float(np.sqrt(squares.mean())) if squares.size else float("nan")
