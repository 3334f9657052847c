from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ffl_plugin.demo.scenes import LABEL_COLOURS, UNITS, draw_pair, write_data_set


def written(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("first", 3), ("second", 3), ("other", 4)):
        write_data_set(tmp_path / name, 32, train=2, test=1, seed=seed)
    assert written(tmp_path / "first") == written(tmp_path / "second")
    assert written(tmp_path / "first") != written(tmp_path / "other")


def test_pairs_lie_side_by_side_in_the_folders_that_pix2pix_reads(tmp_path: Path) -> None:
    write_data_set(tmp_path, 32, train=2, test=1, seed=0)
    assert [str(path) for path in written(tmp_path)] == ["test/0000.png", "train/0000.png", "train/0001.png"]
    with Image.open(tmp_path / "train" / "0000.png") as pair:
        assert (pair.size, pair.mode) == ((64, 32), "RGB")


def test_a_label_map_has_only_its_classes_and_a_photograph_has_texture_at_every_scale() -> None:
    labels, photograph = draw_pair(np.random.default_rng(0), UNITS)
    colours = {tuple(colour) for colour in labels.reshape(-1, 3)}
    assert len(colours) >= 5 and colours <= {tuple(colour) for colour in LABEL_COLOURS}
    power = np.abs(np.fft.fftshift(np.fft.fft2(photograph.mean(2)))) ** 2
    y, x = np.mgrid[-32:32, -32:32]
    radius = np.hypot(y, x)
    bands = [power[(radius >= low) & (radius < low + 4)].mean() for low in range(0, 32, 4)]
    assert min(bands) > 1e-6 * max(bands)
    flat = np.abs(np.fft.fftshift(np.fft.fft2(labels.mean(2)))) ** 2
    fine = radius > 12
    assert power[fine].sum() > 3 * flat[fine].sum()  # far more fine structure than the map it follows from
