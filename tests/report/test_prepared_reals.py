"""Photographs beside results of another size: prepared as the run's record says, or as --resize asks."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from report_material import blurred, scene, write_run

from ffl_plugin.cli import main
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.preparation import asked_preparation, recorded_preparation
from ffl_plugin.report import Comparison, MeasurementSettings, compare, to_csv, to_text

SIZE = (64, 48)  # of the photographs


def photograph(seed: int) -> Image.Image:
    return scene(seed).resize(SIZE, Image.Resampling.BICUBIC)


@pytest.fixture
def spade(tmp_path: Path) -> Path:
    """Photographs, and SPADE's results of two trainings at 32x32, with their records."""
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for seed in range(6):
        photograph(seed).save(photographs / f"{seed}.png")
        seen = photograph(seed).resize((32, 32), Image.Resampling.BICUBIC)
        for name, radius in (("base", 2.0), ("ffl", 1.0)):
            images = tmp_path / "results" / name / "test_latest" / "images"
            for kind in ("synthesized_image", "input_label"):
                (images / kind).mkdir(parents=True, exist_ok=True)
                blurred(seen, radius).save(images / kind / f"{seed}.png")
    for name in ("base", "ffl"):
        record(
            tmp_path / "checkpoints" / name / "opt.txt",
            preprocess_mode="resize_and_crop",
            load_size=36,
            crop_size=32,
        )
    return tmp_path


def record(path: Path, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name:>25}: {value!s:<30}\t[default: 256]" for name, value in options.items()]
    path.write_text("----------------- Options ---------------\n" + "\n".join(lines) + "\n")


def compared(folder: Path, **settings: Any) -> Comparison:
    sides = {"before": folder / "results" / "base", "after": folder / "results" / "ffl"}
    return compare(
        real=folder / "photographs", **sides, settings=MeasurementSettings(download=False, **settings)
    )


def expected_psnr(folder: Path, name: str) -> float:
    values = []
    for path in sorted((folder / "photographs").iterdir()):
        seen = Image.open(path).resize((32, 32), Image.Resampling.BICUBIC)
        made = Image.open(folder / "results" / name / "test_latest/images/synthesized_image" / path.name)
        error = np.mean((np.asarray(seen, float) - np.asarray(made, float)) ** 2)
        values.append(10 * np.log10(255**2 / error))
    return np.mean(values)


def test_photographs_are_prepared_as_the_record_of_the_run_says(spade: Path) -> None:
    found = compared(spade)
    assert found.verdict.outcome == "improved"
    assert found.paired
    for side, name in (("before", "base"), ("after", "ffl")):
        assert getattr(found.row("psnr"), side) == pytest.approx(expected_psnr(spade, name), abs=1e-6)
    assert found.row("profile_distance") is not None
    assert found.real.contents == "6 images, resized to 32x32"
    assert all("real images resized to 32x32" in str(row.basis) for row in found.rows)
    assert f"{spade / 'checkpoints' / 'base' / 'opt.txt'}" in to_text(found)
    assert "resized to 32x32" in to_csv(found)


def test_the_user_may_say_the_size(spade: Path) -> None:
    (spade / "checkpoints" / "base" / "opt.txt").unlink()
    found = compared(spade, resize="32x32")
    assert found.row("psnr").after == pytest.approx(expected_psnr(spade, "ffl"), abs=1e-6)
    assert "--resize" in to_text(found)


def test_the_command_takes_the_size(spade: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([
            "compare", "--real", str(spade / "photographs"), "--before", str(spade / "results/base"),
            "--after", str(spade / "results/ffl"), "--resize", "32", "--no-download", "--json",
        ])  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    assert found["real"]["preparation"] == "resized to 32x32"
    assert "--resize 32" in found["command"]


def no_record(folder: Path) -> str:
    (folder / "checkpoints" / "base" / "opt.txt").unlink()
    return "pass --resize 32x32"


def a_pickle_alone(folder: Path) -> str:
    """A pickle is code: opening this one would end the test."""
    (folder / "checkpoints" / "base" / "opt.txt").unlink()
    (folder / "checkpoints" / "base" / "opt.pkl").write_bytes(pickle.dumps(Ends()))
    return "is a pickle, which can run code and is not opened"


def random_crops(folder: Path) -> str:
    options = {"preprocess": "resize_and_crop", "load_size": 36, "crop_size": 32}
    record(folder / "checkpoints" / "base" / "test_opt.txt", **options)
    return "random crops"


def another_size(folder: Path) -> str:
    options = {"preprocess": "resize_and_crop", "load_size": 40, "crop_size": 40}
    record(folder / "checkpoints" / "base" / "test_opt.txt", **options)
    return "is 40x40, resized to 40x40; pairs need equal sizes: pass --resize 32x32"


def side_by_side(folder: Path) -> str:
    options = {"preprocess": "resize_and_crop", "load_size": 32, "crop_size": 32, "dataset_mode": "aligned"}
    record(folder / "checkpoints" / "base" / "test_opt.txt", **options)
    return "is 64x48; pairs need equal sizes"


class Ends:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[int]]:
        return exit, (3,)


@pytest.mark.parametrize("change", [no_record, a_pickle_alone, random_crops, another_size, side_by_side])
def test_where_no_record_tells_the_size_there_is_a_way_on(spade: Path, change: Callable[[Path], str]) -> None:
    words = change(spade)
    with pytest.raises(FFLError) as refusal:
        compared(spade)
    assert words in str(refusal.value)
    assert "--resize" in str(refusal.value)
    assert compared(spade, resize="32x32").verdict.outcome == "improved"


def test_photographs_of_the_right_size_are_left_alone(spade: Path) -> None:
    for path in (spade / "photographs").iterdir():
        Image.open(path).resize((32, 32), Image.Resampling.LANCZOS).save(path)
    found = compared(spade)
    assert found.real.preparation == ""
    assert not any("resized" in note for note in found.notes)


def test_a_size_without_photographs_is_refused(tmp_path: Path) -> None:
    for name in ("base", "ffl"):
        images = tmp_path / "results" / name / "test_latest" / "images"
        images.mkdir(parents=True)
        for kind in ("fake_B", "real_B"):
            scene(1).save(images / f"1_{kind}.png")
    sides = {"before": tmp_path / "results/base", "after": tmp_path / "results/ffl"}
    runs = {side: write_run(tmp_path / side, {0: 300, 200: 60}) for side in sides}
    for given, classes in (
        (sides, None),
        ({**runs, "real": tmp_path / "results"}, None),
        ({**sides, "real": sides["before"]}, 3),
    ):
        with pytest.raises(FFLError, match="--resize applies only to --real images"):
            compare(**given, settings=MeasurementSettings(resize="32", download=False, classes=classes))


@pytest.mark.parametrize("text", ["", "x", "64x", "0x4", "64x64x3", "-1", "64 x 64", "big"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(FFLError, match="pass WIDTHxHEIGHT"):
        asked_preparation(text)


PIX2PIX, SPADE, OLD = "preprocess", "preprocess_mode", "resize_or_crop"
# Option of the mode, its value, load_size, crop_size, (width, height) of a photograph, and of what is seen.
SEEN = [
    (PIX2PIX, "resize_and_crop", 256, 256, (640, 426), (256, 256)),
    (PIX2PIX, "scale_width", 256, 128, (640, 426), (256, 170)),
    (PIX2PIX, "scale_width", 256, 200, (640, 426), (256, 200)),
    (PIX2PIX, "none", 256, 256, (641, 427), (640, 428)),
    (SPADE, "resize_and_crop", 286, 256, (640, 426), (256, 256)),
    (SPADE, "scale_width", 256, 512, (640, 426), (256, 170)),
    (SPADE, "scale_shortside", 213, 512, (640, 426), (320, 426)),  # of the longer side alone
    (SPADE, "scale_shortside", 426, 512, (640, 426), (640, 426)),
    (SPADE, "none", 256, 256, (640, 426), (640, 416)),
    (SPADE, "fixed", 512, 512, (2048, 1024), (512, 256)),
    (OLD, "scale_width", 1024, 512, (2048, 1024), (1024, 512)),
    (OLD, "resize_and_crop", 256, 256, (300, 200), (256, 256)),
]


@pytest.mark.parametrize(("option", "mode", "load", "crop", "photograph", "seen"), SEEN)
def test_sizes_are_those_of_the_upstreams_loaders(
    option: str, mode: str, load: int, crop: int, photograph: tuple[int, int], seen: tuple[int, int]
) -> None:
    sizes = ("loadSize", "fineSize") if option == OLD else ("load_size", "crop_size")
    options = {option: mode, sizes[0]: str(load), sizes[1]: str(crop), "aspect_ratio": "2.0"}
    pixels = np.zeros((photograph[1], photograph[0], 3), np.uint8)
    assert recorded_preparation(options, "opt.txt").apply(pixels).shape == (seen[1], seen[0], 3)


@pytest.mark.parametrize(
    "options", [{}, {PIX2PIX: "none"}, {PIX2PIX: "zoom", "load_size": "9", "crop_size": "9"}]
)
def test_records_that_do_not_say_prepare_nothing(options: dict[str, str]) -> None:
    assert recorded_preparation(options, "opt.txt") is None
