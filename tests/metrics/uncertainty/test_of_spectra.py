from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.spectra import SpectralStatistics, spectral_distances
from ffl_plugin.metrics.uncertainty import compare_spectra
from ffl_plugin.metrics.uncertainty.of_spectra import compressed


def synthetic(
    generator: np.random.Generator, count: int, level: float, folds: int = 20
) -> SpectralStatistics:
    """Statistics of images whose profiles scatter about ``level``: what `measure_spectra` would keep."""
    frequencies = np.array([0.0, 0.1, 0.3])
    profiles = level + generator.normal(0, 2, (count, 3))
    high = generator.uniform(0.1, 0.2, count)
    images = generator.normal(100, 5, (count, 2, 2, 3)).astype(np.float32)
    folds = min(folds, count)
    place = np.arange(count) % folds

    def summed(rows: np.ndarray) -> np.ndarray:
        return np.stack([rows[place == fold].sum(axis=0) for fold in range(folds)])

    return SpectralStatistics(
        (2, 2),
        np.bincount(place),
        np.zeros((2, 2)),
        frequencies,
        summed(profiles),
        summed(high),
        summed(images),
    )


def test_sets_of_other_size_join_their_folds() -> None:
    generator = np.random.default_rng(2)
    real, before, after = (synthetic(generator, n, 30 + n / 50) for n in (60, 10, 25))
    found = {d.metric: d for d in compare_spectra(real, Sides([before], [after]))}
    assert found["profile_distance"].low < found["profile_distance"].delta < found["profile_distance"].high
    assert found["profile_distance"].basis.counts == {"real": 60, "generated": 10}


def test_a_set_of_one_image_has_no_interval() -> None:
    generator = np.random.default_rng(3)
    real, before, after = (synthetic(generator, 1, 30) for _ in range(3))
    found = compare_spectra(real, Sides([before], [after]))
    assert all(difference.low is None for difference in found)


def test_the_interval_covers_the_truth() -> None:
    generator = np.random.default_rng(4)
    found = []
    for _ in range(200):
        sides = [synthetic(generator, 40, level, 12) for level in (30.0, 24.0, 25.0)]
        difference = compare_spectra(sides[0], Sides([sides[1]], [sides[2]]))[0]
        found.append((difference.low, difference.high))
    # Far from the reals the distance of profiles grows as their level does: its truth is 6 and 5 dB.
    assert 0.90 <= np.mean([low <= -1.0 <= high for low, high in found]) <= 0.98


def test_few_coordinates_keep_the_distances_of_images() -> None:
    generator = np.random.default_rng(6)
    sets = [synthetic(generator, 40, 30.0) for _ in range(3)]
    few = compressed(sets)
    for fakes, short in zip(sets[1:], few[1:]):
        for left_out in ((), (3,), (0, 19)):
            expected = spectral_distances(fakes.without(*left_out), sets[0].without(*left_out))
            found = spectral_distances(short.without(*left_out), few[0].without(*left_out))
            assert found.mean_spectrum_distance == pytest.approx(expected.mean_spectrum_distance, rel=1e-6)


def test_noise_of_mean_images_is_not_counted_twice() -> None:
    """All of the distance is noise, of which the jackknife alone would find twice the variance."""
    generator = np.random.default_rng(7)
    found = [
        compare_spectra(real, Sides([before], [after]))[2]
        for real, before, after in (
            [synthetic(generator, 60, 30.0, 12) for _ in range(3)] for _ in range(200)
        )
    ]
    errors = np.sqrt(np.mean([one.sampling**2 for one in found]))
    assert errors == pytest.approx(np.std([one.delta for one in found]), rel=0.15)
    assert 0.90 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.98


@pytest.mark.parametrize("metric", ["profile_distance", "high_band_gap"])
def test_noise_that_both_sides_share_does_not_decide(metric: str) -> None:
    """Two sets a hair apart, and the reals on either side by chance: which is nearer tells nothing."""
    generator = np.random.default_rng(8)

    def measured(statistics: SpectralStatistics, energy: np.ndarray) -> SpectralStatistics:
        profiles = np.repeat(energy[:, None], 3, axis=1)  # all frequencies as one
        return replace(statistics, fold_high_energy=energy, fold_profiles=profiles)

    verdicts = []
    for _ in range(200):
        real, fakes = (synthetic(generator, 60, 30.0, 12) for _ in range(2))
        sides = [
            measured(
                fakes,
                fakes.fold_high_energy + shift * fakes.counts + generator.normal(0, 1e-4, len(fakes.counts)),
            )
            for shift in (0.0, 2e-3)
        ]
        found = compare_spectra(measured(real, real.fold_high_energy), Sides([sides[0]], [sides[1]]))
        verdicts += [row.verdict for row in found if row.metric == metric]
    assert verdicts.count("no evidence") >= 180
