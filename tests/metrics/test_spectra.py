from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import picture, save
from PIL import Image

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import (
    measure_spectra,
    one_pass,
    open_images,
    spectral_distances,
    spectral_pass,
    spectral_sums,
)
from ffl_plugin.metrics.rings import Rings, RingSums
from ffl_plugin.metrics.spectra import CORNER, SpectralStatistics
from ffl_plugin.metrics.spectral_sums import ROUNDING_NOISE, Batch, SpectralSums, energy_of, spectra_of


def make_set(folder: Path, images: list[np.ndarray]) -> Path:
    for index, image in enumerate(images):
        save(folder / f"{index:04d}.png", image)
    return folder


def measured(folder: Path, images: list[np.ndarray]) -> SpectralStatistics:
    return measure_spectra(open_images(make_set(folder, images)))


@pytest.mark.parametrize(
    ("height", "width"), [(24, 32), (25, 32), (24, 31), (21, 21), (2, 3), (1, 1), (8, 64)]
)
def test_spectra_equal_the_whole_dft(tmp_path: Path, height: int, width: int) -> None:
    images = [picture(seed, height, width) for seed in range(3)]
    result = measured(tmp_path, images)
    power = np.abs(np.fft.fft2(np.stack(images).astype(float), axes=(1, 2), norm="ortho")) ** 2
    level = 10 * np.log10(power + ROUNDING_NOISE)
    assert result.log_spectrum == pytest.approx(np.fft.fftshift(level.mean((0, 3))), abs=1e-9)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    steps = np.rint(radius * min(height, width))
    grey = power.mean(3)
    rings = [steps == step for step in np.unique(steps)]
    assert result.frequencies == pytest.approx([radius[ring].mean() for ring in rings], abs=1e-12)
    expected = [np.mean([10 * np.log10(g[ring].mean() + ROUNDING_NOISE) for g in grey]) for ring in rings]
    assert result.profile == pytest.approx(expected, abs=1e-9)
    assert result.mean_image == pytest.approx(np.mean(images, axis=0), abs=1e-4)
    shares = [(g[radius >= 0.25].sum() / (g.sum() - g[0, 0])) if g.size > 1 else 0 for g in grey]
    assert result.high_band_energy == pytest.approx(np.mean(shares), rel=1e-9)


def test_single_precision_is_enough_for_many_images(tmp_path: Path) -> None:
    images = [picture(seed, 45, 64, grain=2) for seed in range(64)]
    result = measured(tmp_path, images)
    power = np.abs(np.fft.fft2(np.stack(images).astype(float), axes=(1, 2), norm="ortho")) ** 2
    level = np.fft.fftshift(10 * np.log10(power + ROUNDING_NOISE).mean((0, 3)))
    assert result.log_spectrum == pytest.approx(level, abs=1e-4)
    assert np.abs(result.log_spectrum - level).max() > 1e-9  # single precision it was
    most, last = spectra_of(images[:63]), spectra_of(images[63:])  # in double precision
    assert result.profile == pytest.approx((63 * most.profile + last.profile) / 64, abs=1e-5)
    mean = (63 * most.high_band_energy + last.high_band_energy) / 64
    assert result.high_band_energy == pytest.approx(mean, rel=1e-6)


def test_the_product_of_three_channels_is_finite_in_single_precision() -> None:
    """At the largest size that Pillow decodes, all of an image's energy at one frequency."""
    assert Image.MAX_IMAGE_PIXELS is not None
    assert np.finfo(np.float32).max > (255**2 * Image.MAX_IMAGE_PIXELS) ** 3
    white = SpectralSums((512, 512), 64).measure(np.full((1, 512, 512, 3), 255, np.uint8))
    assert white.decibels[0, 0] == pytest.approx(30 * np.log10(255**2 * 512**2), rel=1e-6)


def test_two_threads_measure_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thread waits with its image in the buffer until the second has measured another."""
    sums = SpectralSums((24, 32), 64)
    first, second = (picture(seed)[None] for seed in range(2))
    expected = [sums.measure(image).decibels.clone() for image in (first, second)]
    found: list[Batch] = []
    other = threading.Thread(target=lambda: found.append(sums.measure(second)))

    def energy(channels: torch.Tensor) -> torch.Tensor:
        if threading.current_thread() is not other:
            other.start()
            other.join()
        return energy_of(channels)

    monkeypatch.setattr(spectral_sums, "energy_of", energy)
    found.append(sums.measure(first))
    assert torch.equal(found[0].decibels, expected[1])
    assert torch.equal(found[1].decibels, expected[0])


def test_equal_sets_are_at_distance_zero(tmp_path: Path) -> None:
    a = measured(tmp_path, [picture(seed) for seed in range(4)])
    distances = spectral_distances(a, a)
    assert distances.profile_distance == 0
    assert distances.high_band_energy_ratio == 1
    assert distances.mean_spectrum_distance == 0
    assert [level for _, _, level in distances.bands] == [0] * 8
    assert distances.bands[0][0] == 0
    assert distances.bands[-1][1] == pytest.approx(CORNER)


def checkerboard(image: np.ndarray, amplitude: int) -> np.ndarray:
    v, u = np.indices(image.shape[:2])
    return np.clip(image + amplitude * (-1) ** (u + v)[:, :, None], 0, 255).astype(np.uint8)


def test_a_checkerboard_shows_in_the_corner_band(tmp_path: Path) -> None:
    reals = [picture(seed, 32, 32, grain=2) for seed in range(6)]
    a = measured(tmp_path / "a", reals)
    b = measured(tmp_path / "b", [checkerboard(image, 8) for image in reals])
    distances = spectral_distances(b, a)
    worst = max(distances.bands, key=lambda band: band[2])
    assert worst == distances.bands[-1]
    assert worst[2] > 10
    assert distances.high_band_energy_ratio > 1
    assert distances.profile_distance > 1


def test_blur_lowers_the_high_band(tmp_path: Path) -> None:
    reals = [picture(seed, 32, 32) for seed in range(6)]
    blurred = [
        ((image.astype(int) + np.roll(image, 1, 0) + np.roll(image, 1, 1)) // 3).astype(np.uint8)
        for image in reals
    ]
    distances = spectral_distances(measured(tmp_path / "b", blurred), measured(tmp_path / "a", reals))
    assert distances.high_band_energy_ratio < 0.8
    assert distances.bands[-1][2] > distances.bands[0][2]


def test_mean_spectrum_distance_is_parsevals(tmp_path: Path) -> None:
    sets = [[picture(seed + 10 * s) for seed in range(3)] for s in range(2)]
    a, b = (measured(tmp_path / str(s), images) for s, images in enumerate(sets))
    spectra = [np.fft.fft2(np.mean(images, axis=0), axes=(0, 1), norm="ortho") for images in sets]
    expected = np.mean(np.abs(spectra[0] - spectra[1]) ** 2)
    assert spectral_distances(a, b).mean_spectrum_distance == pytest.approx(expected, rel=1e-5)


def test_leaving_a_fold_out_equals_measuring_without_it(tmp_path: Path) -> None:
    images = [picture(seed) for seed in range(7)]
    source = open_images(make_set(tmp_path, images))
    whole = measure_spectra(source, folds=3)
    part = measure_spectra(source.subset([0, 2, 3, 5, 6]))
    without = whole.without(1)
    assert without.count == 5
    assert without.profile == pytest.approx(part.profile)
    assert without.high_band_energy == pytest.approx(part.high_band_energy)
    assert without.mean_image == pytest.approx(part.mean_image, abs=1e-4)


def test_uniform_images_have_no_texture(tmp_path: Path) -> None:
    flat = measured(tmp_path / "flat", [np.full((16, 16, 3), 90, np.uint8)] * 2)
    assert flat.high_band_energy == 0
    assert flat.profile[1:] == pytest.approx(10 * np.log10(ROUNDING_NOISE), abs=1e-9)
    textured = measured(tmp_path / "textured", [picture(1, 16, 16)])
    assert np.isnan(spectral_distances(textured, flat).high_band_energy_ratio)


@pytest.mark.parametrize("size", [(25, 32), (8, 64), (1, 1)])
def test_rings_keep_the_energy(size: tuple[int, int]) -> None:
    """Parseval: the rings sum to the image's energy, and the high band's share is the whole spectrum's."""
    image = picture(1, *size)
    power = energy_of(torch.from_numpy(image).permute(2, 0, 1).double()).mean(0)
    rings = Rings.of(*size)
    (means,), (share,) = RingSums(rings, torch.device("cpu")).measure(power[None])
    assert means.numpy() @ rings.counts == pytest.approx(np.sum(image.astype(float) ** 2) / 3)

    whole = (np.abs(np.fft.fft2(image, axes=(0, 1), norm="ortho")) ** 2).mean(-1)
    radius = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1]))
    energy = whole[radius > 0].sum()
    assert float(share) == pytest.approx(whole[radius >= 0.25].sum() / energy if energy else 0)


def test_sums_over_other_folds_are_not_taken_from_the_cache(tmp_path: Path) -> None:
    source = open_images(make_set(tmp_path / "set", [picture(seed) for seed in range(6)]))
    for folds in (2, 3):
        found = measure_spectra(source, folds=folds, cache=tmp_path / "kept")
        assert found.counts.tolist() == [6 // folds] * folds


def test_memory_does_not_grow_with_the_number_of_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_pass, "_ROWS_AHEAD", 4)
    source = open_images(make_set(tmp_path, [picture(seed, 64, 64) for seed in range(4)]))
    peaks = []
    for repeats in (40, 120):
        many = source.subset(list(range(4)) * repeats)
        tracemalloc.start()
        measure_spectra(many)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_unequal_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FFLError, match=r"0000\.png is 32x24 and .*0001\.png is 32x20"):
        measured(tmp_path / "mixed", [picture(1), picture(1, height=20)])
    a, b = measured(tmp_path / "a", [picture(1)]), measured(tmp_path / "b", [picture(1, height=20)])
    with pytest.raises(FFLError, match="not 32x20 and 32x24"):
        spectral_distances(b, a)


class Counting:
    """Counts the images that are measured."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images = 0
        plain = SpectralSums.measure

        lock = threading.Lock()  # threads measure

        def measure(sums: SpectralSums, images: np.ndarray) -> Batch:
            with lock:
                self.images += len(images)
            return plain(sums, images)

        monkeypatch.setattr(SpectralSums, "measure", measure)

    def since(self) -> int:
        count, self.images = self.images, 0
        return count


def same(a: SpectralStatistics, b: SpectralStatistics) -> bool:
    fields = ("counts", "log_spectrum", "fold_profiles", "fold_high_energy", "fold_images")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in fields)


def test_spectra_are_kept_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_set(tmp_path / "set", [picture(seed) for seed in range(70)])
    counting = Counting(monkeypatch)
    fresh = measure_spectra(open_images(folder))
    assert counting.since() == 70
    assert same(measure_spectra(open_images(folder), cache=tmp_path / "kept"), fresh)
    assert counting.since() == 70
    folder.rename(tmp_path / "renamed")
    assert same(measure_spectra(open_images(tmp_path / "renamed"), cache=tmp_path / "kept"), fresh)
    assert counting.since() == 0
    save(tmp_path / "renamed" / "0042.png", picture(99))
    changed = measure_spectra(open_images(tmp_path / "renamed"), cache=tmp_path / "kept")
    assert counting.since() == 70  # what is in a sum cannot be taken out
    assert same(changed, measure_spectra(open_images(tmp_path / "renamed")))
    assert not same(changed, fresh)


def test_measuring_goes_on_after_a_damaged_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_set(tmp_path / "set", [picture(seed) for seed in range(50)])
    counting = Counting(monkeypatch)
    fresh = measure_spectra(open_images(folder))
    whole = (folder / "0037.png").read_bytes()
    (folder / "0037.png").write_bytes(whole[:300])
    with pytest.raises(FFLError, match=r"0037\.png is damaged"):
        measure_spectra(open_images(folder), cache=tmp_path / "kept")
    (folder / "0037.png").write_bytes(whole)
    counting.since()
    found = measure_spectra(open_images(folder), cache=tmp_path / "kept")
    assert counting.since() == 13
    assert same(found, fresh)


def test_a_kill_loses_the_batch_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_set(tmp_path / "set", [picture(seed) for seed in range(30)])
    monkeypatch.setattr(spectral_pass, "_SAVE_EVERY", 8)
    fresh = measure_spectra(open_images(folder))
    plain = spectral_pass.SpectraMeter.take

    def stopped(meter: spectral_pass.SpectraMeter, item: int, prepared: spectral_pass.Prepared) -> None:
        if item == 21:
            raise KeyboardInterrupt
        plain(meter, item, prepared)

    monkeypatch.setattr(spectral_pass.SpectraMeter, "take", stopped)
    with pytest.raises(KeyboardInterrupt):
        measure_spectra(open_images(folder), cache=tmp_path / "kept")
    monkeypatch.setattr(spectral_pass.SpectraMeter, "take", plain)
    taken: list[int] = []
    wanted = spectral_pass.SpectraMeter.prepare
    monkeypatch.setattr(
        spectral_pass.SpectraMeter,
        "prepare",
        lambda meter, item, pictures: taken.append(item) or wanted(meter, item, pictures),
    )
    found = measure_spectra(open_images(folder), cache=tmp_path / "kept")
    assert sorted(taken) == list(range(16, 30))
    assert same(found, fresh)


def test_batches_of_a_gpu_add_up_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU takes images one by one; here it is told to take them as a GPU does."""
    folder = make_set(tmp_path / "set", [picture(seed) for seed in range(20)])
    one_by_one = measure_spectra(open_images(folder))
    monkeypatch.setattr(spectral_pass, "_GPU_BATCH", 7 * 24 * 32 * 3)
    monkeypatch.setattr(
        spectral_pass.SpectraMeter,
        "prepare",
        lambda meter, item, pictures: (pictures[0].encoded.digest, pictures[0].pixels),
    )
    batched = measure_spectra(open_images(folder))
    assert batched.log_spectrum == pytest.approx(one_by_one.log_spectrum, abs=1e-9)
    assert batched.fold_profiles == pytest.approx(one_by_one.fold_profiles, rel=1e-12)
    assert np.array_equal(batched.fold_images, one_by_one.fold_images)


def test_a_damaged_file_of_sums_is_made_again(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", [picture(seed) for seed in range(3)])
    fresh = measure_spectra(open_images(folder), cache=tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(file.read_bytes()[:500])
    assert same(measure_spectra(open_images(folder), cache=tmp_path / "kept"), fresh)
