"""Each image of a comparison is read and decoded once, whatever is measured on it."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from report_material import write_set
from test_fid import MeanColours

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import features, one_pass, pair_pass, weights
from ffl_plugin.metrics.sources import FolderSource
from ffl_plugin.metrics.spectral_sums import SpectralSums
from ffl_plugin.metrics.weights import Weights
from ffl_plugin.report import MeasurementSettings, compare


class Counts:
    """How often each file was read, decoded and measured since the last look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: Counter[str] = Counter()
        self.decoded: Counter[str] = Counter()
        self.measured: Counter[str] = Counter()
        self.lock = threading.Lock()
        plain_read, plain_decode = FolderSource.read_bytes, one_pass.decode
        plain_measure, plain_score = SpectralSums.measure, pair_pass.score_batch
        plain_run = MeanColours._run

        def read(source: FolderSource, index: int) -> bytes:
            with self.lock:
                self.read[source.describe(index)] += 1
            return plain_read(source, index)

        def decode(data: bytes, name: str) -> Any:
            with self.lock:
                self.decoded[name] += 1
            return plain_decode(data, name)

        def counted(kind: str, plain: Any, count: Any) -> Any:
            def measure(*arguments: Any) -> Any:
                with self.lock:  # threads measure
                    self.measured[kind] += count(*arguments)
                return plain(*arguments)

            return measure

        monkeypatch.setattr(FolderSource, "read_bytes", read)
        monkeypatch.setattr(one_pass, "decode", decode)
        monkeypatch.setattr(
            SpectralSums, "measure", counted("spectra", plain_measure, lambda _, images: len(images))
        )
        monkeypatch.setattr(
            pair_pass, "score_batch", counted("pairs", plain_score, lambda images, *_: len(images))
        )
        monkeypatch.setattr(
            MeanColours, "_run", counted("features", plain_run, lambda _, images: len(images))
        )

    def clear(self) -> None:
        for counter in (self.read, self.decoded, self.measured):
            counter.clear()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))  # other tests measure images like these
    monkeypatch.setattr(features, "Extractor", MeanColours)
    file = Weights(tmp_path / "weights.pth", "0123456789abcdef", published=False)
    monkeypatch.setattr(weights, "find_weights", lambda path=None, **_: file)


def result_sets(folder: Path, count: int = 12) -> dict[str, Path]:
    """Photographs 0.png … and their fakes, whose names sort in another order; two photographs have none."""
    random = np.random.default_rng(0)
    for index in range(count + 2):
        image = random.integers(0, 256, (32, 32, 3))
        for side, name in (
            ("real", f"{index}.png"),
            ("a", f"{index}_fake_B.png"),
            ("b", f"{index}_fake_B.png"),
        ):
            if side == "real" or index < count:
                noise = random.normal(0, {"real": 0, "a": 20, "b": 10}[side], image.shape)
                pixels = np.clip(image + noise, 0, 255).astype(np.uint8)
                path = folder / side / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    return {"real": folder / "real", "before": folder / "a", "after": folder / "b"}


def test_every_image_is_read_and_decoded_once(
    network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = result_sets(tmp_path)
    counts = Counts(monkeypatch)
    found = compare(**sets, settings=MeasurementSettings(download=False))
    assert found.kind == "pairs"
    assert {row.metric for row in found.rows} > {"fid", "psnr", "profile_distance"}
    files = {str(path) for folder in sets.values() for path in folder.iterdir()}
    assert set(counts.decoded) == files
    assert set(counts.decoded.values()) == {1}
    # Those that changed most are known only at the end, and are read again for the page; the first of a set
    # tells its size beforehand.
    twice = [Path(name).stem for name, times in counts.read.items() if times > 1]
    again = [name for name in twice if name not in ("0", "0_fake_B")]
    assert set(counts.read) == files
    assert len(again) <= 3 * 4
    assert counts.measured["features"] == len(files)
    assert len(files) < counts.measured["spectra"] <= len(files) + 3 * 8  # with those of single pictures
    assert counts.measured["pairs"] == 24


def test_a_second_comparison_measures_nothing(
    network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = result_sets(tmp_path)
    first = compare(**sets, settings=MeasurementSettings(download=False))
    counts = Counts(monkeypatch)
    again = compare(**sets, settings=MeasurementSettings(download=False))
    assert again.rows == first.rows
    assert again.before == first.before
    assert sum(counts.decoded.values()) <= 12  # the pictures of the page
    assert set(counts.measured) <= {"spectra"}
    assert counts.measured["spectra"] <= 3 * 8  # of the pictures
    (sets["after"] / "3_fake_B.png").write_bytes((sets["after"] / "4_fake_B.png").read_bytes())
    counts.clear()
    changed = compare(**sets, settings=MeasurementSettings(download=False))
    assert counts.measured["pairs"] == 1
    assert counts.measured["features"] == 0  # the image itself is known
    assert changed.row("psnr").after != first.row("psnr").after


def test_where_an_image_is_damaged_the_next_run_goes_on(
    network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = {
        side: write_set(tmp_path / side, index, count=50)
        for index, side in enumerate(("real", "before", "after"))
    }
    damaged = sorted(sets["before"].iterdir())[37]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FFLError, match=rf"^{damaged} is damaged"):
        compare(**sets, settings=MeasurementSettings(download=False))
    damaged.write_bytes(whole)
    counts = Counts(monkeypatch)
    compare(**sets, settings=MeasurementSettings(download=False))
    assert counts.measured["features"] == 3 * 13
    assert counts.measured["pairs"] == 2 * 13
