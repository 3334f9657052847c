"""Rows of the table from scores of both sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

from ffl_plugin.report.model import Row

if TYPE_CHECKING:
    from ffl_plugin.metrics import PairScores, SpectralDistances, SpectralStatistics

# Metric of pairs -> its label and the direction that is better, in the order of the paper's tables.
PAIR_METRICS = {
    "psnr": ("PSNR, dB", "higher"),
    "ssim": ("SSIM", "higher"),
    "lfd": ("LFD", "lower"),
    "mse": ("MSE", "lower"),
}


def plain_row(metric: str, label: str, better: str, before: Sequence[float], after: Sequence[float]) -> Row:
    """A row of one number per training, without an interval."""
    means = [sum(side) / len(side) for side in (before, after)]
    return Row(
        metric, label, better, means[0], means[1], means[1] - means[0],
        before_trainings=tuple(before), after_trainings=tuple(after),
    )  # fmt: skip


def pair_rows(before: Sequence[PairScores], after: Sequence[PairScores]) -> list[Row]:
    """Means over the images, each against the real one it answers."""
    count = len(before[0].names)
    return [
        plain_row(
            metric,
            f"{label} (N={count})",
            better,
            *([s.mean(metric) for s in side] for side in (before, after)),
        )
        for metric, (label, better) in PAIR_METRICS.items()
    ]


def spectral_rows(
    real: SpectralStatistics, before: Sequence[SpectralStatistics], after: Sequence[SpectralStatistics]
) -> list[Row]:
    """Distances of the sets from the real one in frequency; raises ``FFLError`` where image sizes differ."""
    from ffl_plugin.metrics import spectral_distances

    sides = [[spectral_distances(statistics, real) for statistics in side] for side in (before, after)]
    counts = f"(N={before[0].count}, {real.count} real)"
    values: dict[str, tuple[str, Callable[[SpectralDistances], float]]] = {
        "profile_distance": ("Radial log-power distance, dB", lambda d: d.profile_distance),
        "high_band_gap": ("High-band energy, dB from real", lambda d: _gap(d.high_band_energy_ratio)),
        "mean_spectrum_distance": ("Mean-spectrum distance", lambda d: d.mean_spectrum_distance),
    }
    return [
        plain_row(
            metric,
            f"{label} {counts}",
            "lower",
            *([value(distances) for distances in side] for side in sides),
        )
        for metric, (label, value) in values.items()
    ]


def _gap(ratio: float) -> float:
    """How far a ratio of energies is from 1, in dB."""
    return abs(10 * math.log10(ratio)) if ratio > 0 else math.inf
