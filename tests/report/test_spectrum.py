from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from report_material import scene, write_set

from ffl_plugin.cli import main
from ffl_plugin.report.band_limits import band_limited
from ffl_plugin.report.spectrum_report import Spectra, _names
from ffl_plugin.spectrum import keep_frequencies, radial_frequency


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = 0
    try:
        main(["spectrum", *map(str, arguments)])
    except SystemExit as end:
        code = end.code or 0
    captured = capfd.readouterr()
    return code, captured.out, captured.err


def wave(height: int, width: int, u: int, v: int) -> torch.Tensor:
    y, x = np.mgrid[:height, :width]
    return torch.from_numpy(np.cos(2 * np.pi * (u * y / height + v * x / width)))


@pytest.mark.parametrize("size", [(16, 16), (15, 16), (16, 13), (9, 7)])
def test_a_mask_keeps_the_waves_below_it_and_no_others(size: tuple[int, int]) -> None:
    height, width = size
    slow, fast = wave(*size, 1, 1), wave(*size, height // 2 - 1, width // 2 - 1)
    cutoff = float(np.hypot(2 / height, 2 / width))
    kept = radial_frequency(*size) <= cutoff
    torch.testing.assert_close(keep_frequencies(slow + fast, kept), slow)
    torch.testing.assert_close(keep_frequencies(slow + fast, ~kept), fast)


def test_radial_frequency_ends_at_the_corner() -> None:
    radius = radial_frequency(8, 8)
    assert radius[0, 0] == 0
    assert radius.max() == pytest.approx(np.sqrt(0.5))
    assert radius[0, 4] == 0.5


def test_band_limits_are_those_of_figure_2() -> None:
    image = np.asarray(scene(0))
    whole, texture, low, high, stopped = band_limited(image, cutoff=0.1, stop=(0.15, 0.3))
    assert np.array_equal(whole.image, image)
    centred = np.fft.fftshift(radial_frequency(32, 32).numpy())
    for column, kept in (
        (texture, centred > 0),
        (low, centred <= 0.1),
        (high, centred > 0.1),
        (stopped, (centred < 0.15) | (centred > 0.3)),
    ):
        assert np.array_equal(np.isfinite(column.spectrum), kept), column.title
    power = np.abs(np.fft.fft2(image.astype(float), axes=(0, 1), norm="ortho")) ** 2
    expected = np.fft.fftshift(10 * np.log10(power.mean(axis=-1) + 1 / 12))
    np.testing.assert_allclose(whole.spectrum, expected)


def test_json_holds_profiles_and_distances_from_real(sets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, stdout, _ = run(capfd, "--json", "--real", sets / "real", sets / "before", sets / "after")
    assert code == 0
    real, before, after = json.loads(stdout)["spectra"]
    assert (real["real"], before["real"], before["images"]) == (True, False, 8)
    assert "from_real" not in real
    assert before["from_real"]["profile_distance_db"] > after["from_real"]["profile_distance_db"] > 0
    assert len(before["frequencies"]) == len(before["profile_db"])


def test_csv_has_a_line_per_path_and_frequency(sets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, stdout, _ = run(capfd, "--csv", sets / "real")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(stdout)))
    assert {row["path"] for row in rows} == {str(sets / "real")}
    assert float(rows[0]["cycles_per_pixel"]) == 0


def test_files_are_written_and_written_again(
    sets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "spectra"
    for _ in range(2):
        code, stdout, _ = run(capfd, sets / "before", sets / "after", "--out", out, "--bands")
        assert code == 0
    assert "energy at 0.25 cycles per pixel and above" in stdout
    assert sorted(p.name for p in out.iterdir()) == [
        "bands-1.png", "bands-2.png", "spectra.csv", "spectra.json", "spectra.png"
    ]  # fmt: skip
    with Image.open(out / "bands-1.png") as picture:
        assert picture.width > 600


def test_sets_of_one_name_are_told_apart_by_the_folders_above(sets: Path, tmp_path: Path) -> None:
    paths = tuple(str(tmp_path / side / "results" / "photographs") for side in ("a", "b"))
    whole = Spectra(paths, (), real=True)
    assert _names(whole) == ["a/results/photographs (real)", "b/results/photographs"]
    assert _names(Spectra(("x/one.png", "x/two.png"), (), real=False)) == ["one.png", "two.png"]
    assert _names(Spectra(("x", "x"), (), real=False)) == ["x", "x"]


def test_a_single_file_is_a_set_of_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scene(0).save(tmp_path / "one.png")
    code, stdout, _ = run(capfd, "--json", tmp_path / "one.png")
    assert code == 0
    assert json.loads(stdout)["spectra"][0]["images"] == 1


def test_a_single_file_in_another_format_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "image.gif").write_bytes(b"GIF89a")
    code, _, stderr = run(capfd, tmp_path / "image.gif", "--out", tmp_path / "out")
    assert code == 1
    assert "image.gif is in a format that is not read; convert it to PNG" in stderr


def test_images_of_a_single_pixel_have_a_spectrum_of_one_value(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for side in ("real", "fake"):
        (tmp_path / side).mkdir()
        Image.new("RGB", (1, 1), "grey").save(tmp_path / side / "0.png")
    code, stdout, _ = run(capfd, "--real", tmp_path / "real", tmp_path / "fake", "--out", tmp_path / "out")
    assert code == 0
    assert "radial log-power distance from real: –" in stdout


def test_bad_input_is_one_sentence(sets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    small = tmp_path / "small"
    small.mkdir()
    scene(0).resize((16, 16)).save(small / "0.png")
    mixed = write_set(tmp_path / "mixed", 0)
    Image.new("RGB", (8, 8)).save(mixed / "00.png")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG cut off")
    for arguments, words in (
        ([tmp_path / "absent"], "does not exist"),
        ([mixed], "differ in size"),
        ([broken], "broken.png"),
        (["--real", sets / "real", small], "differ in image size"),
        ([sets / "real", "--out", sets / "real" / "inside"], "is inside"),
        ([sets / "real", "--out", tmp_path], "ffl-patch spectrum did not write"),
    ):
        code, stdout, stderr = run(capfd, *arguments)
        assert (code, stdout) == (1, "")
        assert words in stderr
        assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [["--json", "--csv"], ["--bands"], ["--stop", "0.3", "0.2"], ["--stop", "0.2", "0.2"], ["--cutoff", "2"]],
)
def test_usage_errors_exit_with_2(
    sets: Path, capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(capfd, sets / "real", *arguments)[0] == 2
