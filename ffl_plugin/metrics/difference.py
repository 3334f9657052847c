"""Before and after: how far a metric moved, and how sure that is.

Two things make the same comparison come out differently another day. Another choice of images moves every
number: the error of sampling, from the images themselves or by the jackknife. Another seed gives another
network: the spread between trainings, which only several trainings per side can show. An interval holds both,
as far as they are known, and is Student's: Δ ± t·√(sampling² + spread²·(1/k_before + 1/k_after)), with the
degrees of freedom of Welch and Satterthwaite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.pairs import BETTER, PairScores
from ffl_plugin.metrics.spectra import SpectralDistances, SpectralStatistics, spectral_distances

Array = npt.NDArray[np.float64]

IMPROVED, NO_EVIDENCE, WORSE = "improved", "no evidence", "worse"
LEVEL = 0.95

PAIR_LABELS = {"psnr": "PSNR, dB", "ssim": "SSIM", "lfd": "LFD", "mse": "MSE", "lpips": "LPIPS"}
# Spectral metric -> its label and the number of a set's distances; all are better when lower.
SPECTRAL_METRICS: dict[str, tuple[str, Callable[[SpectralDistances], float]]] = {
    "profile_distance": ("Radial log-power distance, dB", lambda d: d.profile_distance),
    "high_band_gap": ("High-band energy, dB from real", lambda d: _gap(d.high_band_energy_ratio)),
    "mean_spectrum_distance": ("Mean-spectrum distance", lambda d: d.mean_spectrum_distance),
}


@dataclass(frozen=True)
class Difference:
    """One metric, before and after.

    Attributes:
        metric: plain key, such as ``fid`` or ``psnr``.
        label: the metric with its unit and, in brackets, what the number depends on.
        better: ``lower`` or ``higher``: the direction of improvement.
        before, after: means over the trainings of each side.
        delta: after − before.
        low, high: interval of ``delta`` at ``level``; None where one number per side is all there is.
        verdict: ``improved``, ``no evidence`` or ``worse``: whether the interval excludes 0, and where.
        before_trainings, after_trainings: the value of each training.
        sampling: standard error of ``delta`` from the finite number of images; None where unknown.
        training_spread: standard deviation between trainings of one side, pooled; None with one each.
        note: what a reader of this number must know.
        decides: whether a verdict on the trainings may rest on it; not where the images are too few.
    """

    metric: str
    label: str
    better: str
    before: float
    after: float
    delta: float
    low: Optional[float] = None
    high: Optional[float] = None
    level: float = LEVEL
    verdict: str = NO_EVIDENCE
    before_trainings: tuple[float, ...] = ()
    after_trainings: tuple[float, ...] = ()
    sampling: Optional[float] = None
    training_spread: Optional[float] = None
    note: str = ""
    decides: bool = True


def compare_values(
    metric: str,
    label: str,
    better: str,
    before: Sequence[float],
    after: Sequence[float],
    *,
    sampling: Optional[float] = None,
    degrees: float = math.inf,
    level: float = LEVEL,
    note: str = "",
) -> Difference:
    """Compare one number per training.

    Args:
        before, after: a value for each training.
        sampling: standard error of the difference of the means from the finite number of images.
        degrees: degrees of freedom of ``sampling``.
        level: confidence level of the interval.
        note: what a reader of the number must know.
    """
    means = [float(np.mean(side)) for side in (before, after)]
    spread = _spread(before, after)
    found = Difference(
        metric, label, better, means[0], means[1], means[1] - means[0], level=level,
        before_trainings=tuple(map(float, before)), after_trainings=tuple(map(float, after)),
        sampling=sampling, training_spread=spread, note=note,
    )  # fmt: skip
    # Each variance with its degrees of freedom.
    parts = [] if sampling is None else [(sampling**2, degrees)]
    if spread is not None:
        parts.append((spread**2 * (1 / len(before) + 1 / len(after)), len(before) + len(after) - 2))
    if not parts or not math.isfinite(found.delta):
        return found
    half = _half_width(parts, level)
    low, high = found.delta - half, found.delta + half
    return replace(found, low=low, high=high, verdict=verdict(low, high, better))


def compare_pairs(
    before: Sequence[PairScores], after: Sequence[PairScores], *, level: float = LEVEL
) -> list[Difference]:
    """Compare metrics of pairs; every image is its own control.

    Raises:
        FFLError: two trainings were not measured on the same images.
    """
    names = before[0].names
    for scores in (*before, *after):
        if sorted(scores.names) != sorted(names):
            raise FFLError("the trainings were not measured on the same images; test all on the same ones")
    differences = []
    for metric in before[0].scores:
        means = [_by_image(side, metric, names) for side in (before, after)]
        count = len(names)
        gaps = means[1] - means[0] if all(np.isfinite(m).all() for m in means) else np.full(count, np.nan)
        error = float(np.std(gaps, ddof=1) / math.sqrt(count)) if count > 1 else math.nan
        differences.append(
            compare_values(
                metric,
                f"{PAIR_LABELS[metric]} (N={count} pairs)",
                BETTER[metric],
                *([scores.mean(metric) for scores in side] for side in (before, after)),
                sampling=error if math.isfinite(error) else None,
                degrees=count - 1,
                level=level,
            )
        )
    return differences


def compare_spectra(
    real: SpectralStatistics,
    before: Sequence[SpectralStatistics],
    after: Sequence[SpectralStatistics],
    *,
    level: float = LEVEL,
) -> list[Difference]:
    """Compare the distances of sets from the real one in frequency, with jackknifed errors.

    Every fold is left out of the real images and of both sides at once: the reals are resampled too, and
    images of one place of each set (made from one input or seed) leave together.

    Raises:
        FFLError: image sizes differ.
    """
    folds = min(len(statistics.counts) for statistics in (real, *before, *after))
    groups = [_regrouped(statistics, folds) for statistics in (real, *before, *after)]
    whole = _spectral_values(groups, len(before))
    left_out = []
    if folds > 1:
        left_out = [_spectral_values([g.without(f) for g in groups], len(before)) for f in range(folds)]
    counts = f"(N={before[0].count}, {real.count} real)"
    differences = []
    for metric, (label, _) in SPECTRAL_METRICS.items():
        deltas = np.array([np.mean(values[metric][1]) - np.mean(values[metric][0]) for values in left_out])
        differences.append(
            compare_values(
                metric,
                f"{label} {counts}",
                "lower",
                *whole[metric],
                sampling=jackknife_error(deltas) if len(deltas) and np.isfinite(deltas).all() else None,
                degrees=folds - 1,
                level=level,
            )
        )
    return differences


def jackknife_error(left_out: Array) -> float:
    """Standard error of a statistic from its values with each of g groups left out, √((g−1)/g·Σ(θ−θ̄)²)."""
    groups = len(left_out)
    return float(np.sqrt((groups - 1) / groups * np.sum((left_out - left_out.mean()) ** 2)))


def _spread(before: Sequence[float], after: Sequence[float]) -> Optional[float]:
    """Standard deviation between trainings of one side, pooled over both; None with one each."""
    degrees = len(before) + len(after) - 2
    if degrees < 1 or not np.isfinite([*before, *after]).all():
        return None
    squares = sum(float(np.sum((np.asarray(side) - np.mean(side)) ** 2)) for side in (before, after))
    return math.sqrt(squares / degrees)


def _half_width(parts: Sequence[tuple[float, float]], level: float) -> float:
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return 0.0
    weighted = sum(part**2 / freedom for part, freedom in parts if part)
    degrees = variance**2 / weighted if weighted else 1e9  # known without error: the normal distribution
    quantile = require("scipy.special", "an interval").stdtrit(degrees, (1 + level) / 2)
    return float(quantile) * math.sqrt(variance)


def verdict(low: float, high: float, better: str) -> str:
    """Say whether an interval excludes 0, and on which side: ``improved``, ``no evidence`` or ``worse``."""
    if low <= 0 <= high:
        return NO_EVIDENCE
    return IMPROVED if (high < 0) == (better == "lower") else WORSE


def _by_image(side: Sequence[PairScores], metric: str, names: Sequence[str]) -> Array:
    """Mean over the trainings of one side, for each image in the order of ``names``."""
    columns = []
    for scores in side:
        place = {name: index for index, name in enumerate(scores.names)}
        columns.append(scores.scores[metric][[place[name] for name in names]])
    mean: Array = np.mean(columns, axis=0)
    return mean


def _regrouped(statistics: SpectralStatistics, folds: int) -> SpectralStatistics:
    """Join folds so that ``folds`` remain; each is a sum, so they add."""
    if len(statistics.counts) == folds:
        return statistics

    def joined(sums: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.stack([sums[fold::folds].sum(axis=0) for fold in range(folds)])

    return replace(
        statistics,
        counts=joined(statistics.counts),
        fold_profiles=joined(statistics.fold_profiles),
        fold_high_energy=joined(statistics.fold_high_energy),
        fold_images=joined(statistics.fold_images),
    )


def _spectral_values(
    groups: Sequence[SpectralStatistics], count_before: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Metric -> the values of the trainings before and after; the real set comes first in ``groups``."""
    distances = [spectral_distances(fakes, groups[0]) for fakes in groups[1:]]
    values = {metric: [of(d) for d in distances] for metric, (_, of) in SPECTRAL_METRICS.items()}
    return {metric: (v[:count_before], v[count_before:]) for metric, v in values.items()}


def _gap(ratio: float) -> float:
    """How far a ratio of energies is from 1, in dB."""
    return abs(10 * math.log10(ratio)) if ratio > 0 else math.inf
