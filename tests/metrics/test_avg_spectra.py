"""Our averaged spectra beside those that StyleGAN3's `avg_spectra.py` draws."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from ffl_plugin.metrics.spectral_sums import spectra_of
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply

SIZE, COUNT, PADDING, BETA = 64, 24, 4, 8
MEAN, DEVIATION = 128.0, 40.0
BANDS = np.linspace(0, np.sqrt(0.5), 9)
Array = npt.NDArray[np.float64]


def textures() -> list[Image.Image]:
    """Noise with a natural spectrum, power 1/f², in three unlike channels."""
    random = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIZE)] * 2))
    frequency[0, 0] = np.inf
    pictures = []
    for _ in range(COUNT):
        spectrum = np.fft.fft2(random.normal(size=(3, SIZE, SIZE))) / frequency
        values = np.fft.ifft2(spectrum).real
        values = MEAN + DEVIATION * values / values.std()
        pictures.append(Image.fromarray(np.clip(values, 0, 255).astype(np.uint8).transpose(1, 2, 0).copy()))
    return pictures


def averaged_power(pictures: list[Image.Image]) -> Array:
    """Mean |DFT|², four times as dense, of whitened images under a Kaiser window of energy 1."""
    window = np.kaiser(SIZE, BETA)
    window = np.outer(window, window) / np.square(window).sum()
    dense = (SIZE * PADDING, SIZE * PADDING)
    total = np.zeros(dense)
    for picture in pictures:
        whitened = (np.asarray(picture, dtype=np.float64).transpose(2, 0, 1) - MEAN) / DEVIATION
        total += np.square(np.abs(np.fft.fft2(whitened * window, s=dense))).mean(0)
    return total / len(pictures)


def band_means(values: Array, frequencies: Array) -> Array:
    inside = [
        (frequencies >= low) & (frequencies < high) & (frequencies > 0) for low, high in zip(BANDS, BANDS[1:])
    ]
    return np.array([values[band].mean() for band in inside])


def test_a_change_has_the_same_sign_in_every_band_and_nearly_the_size() -> None:
    reals = textures()
    blurred = [picture.filter(ImageFilter.GaussianBlur(0.6)) for picture in reals]
    theirs = [10 * np.log10(averaged_power(pictures)) for pictures in (reals, blurred)]
    frequencies = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIZE * PADDING)] * 2))
    ours = [spectra_of([np.array(picture) for picture in pictures]) for pictures in (reals, blurred)]
    change = band_means(ours[1].profile - ours[0].profile, ours[0].frequencies)
    expected = band_means(theirs[1] - theirs[0], frequencies)
    assert (expected[2:] < -1).all()
    assert (np.sign(change) == np.sign(expected)).all()
    assert np.abs(change - expected).max() < 3  # docs/metrics.md says why they are not equal


@pytest.mark.upstream
@pytest.mark.timeout(900)
def test_the_real_script_draws_this_spectrum_without_cuda(tmp_path: Path) -> None:
    original = os.environ.get("FFL_STYLEGAN3")
    if original is None:
        pytest.skip("FFL_STYLEGAN3 does not name a clone")
    clone = Path(shutil.copytree(original, tmp_path / "clone", symlinks=True))
    plan_apply(all_recipes()["torch2-stylegan3"], clone).write()
    reals = textures()
    (tmp_path / "images").mkdir()
    for number, picture in enumerate(reals):
        picture.save(tmp_path / "images" / f"{number:03d}.png")
    command = [sys.executable, "avg_spectra.py", "calc", f"--source={tmp_path / 'images'}"]
    command += [f"--dest={tmp_path / 'spectrum.npz'}", f"--mean={MEAN}", f"--std={DEVIATION}"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    seen = np.load(tmp_path / "spectrum.npz")["spectrum"]
    np.testing.assert_allclose(10 * np.log10(seen), 10 * np.log10(averaged_power(reals)), atol=1e-3)
