"""A pair of equal images has an infinite PSNR and an LFD of 0: it must not decide what is said of all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_material import write_set

from ffl_plugin.cli import main
from ffl_plugin.report import Comparison, MeasurementSettings, compare


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for side, radius in (("real", 0), ("before", 2.0), ("after", 1.9)):
        write_set(tmp_path / side, radius, count=12)
    return tmp_path


def compared(folder: Path) -> Comparison:
    sides = {side: folder / side for side in ("real", "before", "after")}
    return compare(**sides, settings=MeasurementSettings(download=False))


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("grey_levels", [0, 1], ids=["equal", "equal but for one pixel"])
def test_one_equal_pair_is_named_and_decides_nothing(pairs: Path, side: str, grey_levels: int) -> None:
    usual = compared(pairs)
    assert usual.verdict.outcome == "improved"
    pixels = np.asarray(Image.open(pairs / "real" / "03.png")).copy()
    pixels[0, 0, 0] ^= grey_levels
    Image.fromarray(pixels).save(pairs / side / "03.png")
    found = compared(pairs)
    assert found.verdict.outcome == "improved"
    (note,) = (note for note in found.notes if "images are equal" in note)
    assert note.startswith("1 of 12 pairs excluded")
    assert "(03)" in note
    for metric in ("psnr", "ssim", "lfd", "mse"):
        row, before = found.row(metric), usual.row(metric)
        assert np.isfinite([row.before, row.after]).all()
        assert row.high - row.low == pytest.approx(before.high - before.low, rel=0.3)
        assert row.verdict == before.verdict
    assert all(row["before"] is not None for row in json.loads(json.dumps(found.to_json()))["rows"])


def test_the_other_pairs_are_measured_as_ever(pairs: Path) -> None:
    shutil.copy(pairs / "real" / "03.png", pairs / "after" / "03.png")
    found = compared(pairs)
    for side in ("real", "before", "after"):
        (pairs / side / "03.png").unlink()
    without = compared(pairs)
    for metric in ("psnr", "ssim", "lfd", "mse"):
        assert found.row(metric).delta == pytest.approx(without.row(metric).delta)
        assert found.row(metric).low == pytest.approx(without.row(metric).low)


def test_where_most_pairs_are_equal_they_are_what_was_done(pairs: Path) -> None:
    for index in range(6):
        shutil.copy(pairs / "real" / f"{index:02d}.png", pairs / "after")
    found = compared(pairs)
    assert found.row("psnr").after == np.inf
    assert not any("excluded" in note for note in found.notes)


def test_fid_names_equal_pairs_too(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(pairs / "real" / "05.png", pairs / "before" / "05.png")
    with pytest.raises(SystemExit):
        main(["fid", str(pairs / "real"), str(pairs / "before"), "--metrics", "pairs"])
    printed = capsys.readouterr()
    assert "N = 11 pairs" in printed.out
    assert "1 of 12 pairs excluded" in printed.out + printed.err
    assert "inf" not in printed.out.lower()
