"""Clones with and without FFL: pix2pix on the demo's embedded repository, the others up to the start."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from ffl_plugin.cli.reproduce import command
from ffl_plugin.demo.repositories import unpack_repository
from ffl_plugin.demo.scenes import write_data_set
from ffl_plugin.errors import FFLError
from ffl_plugin.reproduce import Options, pix2pix, spade, stylegan2
from ffl_plugin.reproduce.pipeline import Setup, run_pipeline


def reproduce(*arguments: object) -> Result:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, FFLError):
        raise result.exception
    return result


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    small = ("--load_size", "64", "--crop_size", "64", "--netG", "unet_64", "--ngf", "4")
    monkeypatch.setattr(pix2pix, "SMALL", small)
    unpack_repository(tmp_path / "mine")
    return tmp_path / "mine"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def setup(data: Path, **changes: Any) -> Setup:
    """A setup beside the data, whose clone is the demo's repository."""
    found = Setup(out=data.parent / "out", data=data, **{"epochs": 3, "paper": False, **changes})
    if not found.clone.exists():
        unpack_repository(found.clone)
    (data / "test").mkdir(parents=True, exist_ok=True)
    return found


SCRIPT = """
import sys
from pathlib import Path
from PIL import Image

out, weight = Path(sys.argv[1]), float(sys.argv[2].partition("=")[2])
out.mkdir(parents=True)
for number in range(3):
    picture = Image.linear_gradient("L").rotate(10 * number + weight).resize((32, 32))
    picture.convert("RGB").save(out / f"{number}.png")
"""


def test_real_images_that_no_result_has_are_found_by_the_first_outcome(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text(SCRIPT)
    reals = tmp_path / "reals"
    reals.mkdir()
    for number in range(4):
        Image.radial_gradient("L").resize((32, 32 + number)).crop((0, 0, 32, 32)).save(
            reals / f"r{number}.png"
        )
    asked: list[Path] = []
    pipeline = replace(
        pix2pix.PIPELINE,
        targets=(),
        check=lambda clone, data: None,
        commands=lambda setup: [["train.py", "{out}/images"]],
        results=lambda setup: "{out}/images",
        real=lambda setup, results: asked.append(results) or reals,
    )
    options = Options(out=tmp_path / "out", clone=tmp_path / "mine", data=reals, seeds=1)
    result = run_pipeline(pipeline, options, lambda *_: None)
    first = tmp_path / "out" / "sweep" / "trainings" / "weight-0-seed-0" / "out" / "images"
    assert asked == [first]
    rows = result.data["comparison"]["rows"]
    assert rows
    assert all(row["basis"]["counts"] == {"real": 4, "generated": 3} for row in rows)


@pytest.mark.slow
def test_pix2pix_is_patched_trained_tested_and_compared(clone: Path, tmp_path: Path) -> None:
    write_data_set(tmp_path / "pairs", 64, train=4, test=3, seed=0)
    before = contents(clone)
    arguments = ("pix2pix", "--clone", clone, "--data", tmp_path / "pairs", "--out", tmp_path / "out")
    result = reproduce(*arguments, "--seeds", "1", "--epochs", "1", "--weight", "10")
    assert result.exit_code == 0, result.output
    assert "| 128.492 → 123.773 | 80.279 → 74.359 |" in result.stdout
    assert "SSIM (N = 3 pairs)" in result.stdout
    assert contents(clone) == before
    assert "ffl" in (tmp_path / "out" / "clone" / "models" / "pix2pix_model.py").read_text()
    sweep = tmp_path / "out" / "sweep"
    assert (sweep / "report" / "weight-10" / "report.html").exists()
    assert (tmp_path / "out" / "figure.png").exists()

    log = sweep / "trainings" / "weight-0-seed-0" / "log.txt"
    log.write_text("not trained again")
    again = reproduce(*arguments, "--seeds", "1", "--epochs", "1", "--weight", "5", "--json")
    rows = {row["metric"]: row for row in json.loads(again.stdout)["comparison"]["rows"]}
    before = {
        row["metric"]: row
        for row in json.loads((sweep / "report" / "weight-10" / "comparison.json").read_text())["rows"]
    }
    assert rows["psnr"]["before"] == before["psnr"]["before"]
    assert len({rows["psnr"]["before"], rows["psnr"]["after"], before["psnr"]["after"]}) == 3
    assert log.read_text() == "not trained again"
    with pytest.raises(FFLError, match=r"other settings \(epochs 1, not 2\)"):
        reproduce(*arguments, "--seeds", "1", "--epochs", "2", "--weight", "10")


@pytest.mark.slow
def test_an_interrupted_training_starts_again_and_a_finished_one_does_not(
    clone: Path, tmp_path: Path
) -> None:
    """The first training writes a result, the second is stopped: as by Ctrl-C, which reaches the script."""
    write_data_set(tmp_path / "pairs", 64, train=1, test=2, seed=0)
    (clone / "test.py").write_text(TEST)
    (clone / "train.py").write_text(
        "import os, signal\nos.kill(os.getppid(), signal.SIGINT)\nsignal.pause()\n"
    )
    arguments = ("pix2pix", "--clone", clone, "--data", tmp_path / "pairs", "--out", tmp_path / "out")
    with pytest.raises(FFLError, match=r"interrupted while training weight 0, seed 0; run the same command"):
        reproduce(*arguments, "--seeds", "1")
    (tmp_path / "out" / "clone" / "train.py").write_text("")
    reproduce(*arguments, "--seeds", "1")
    trainings = tmp_path / "out" / "sweep" / "trainings"
    assert (trainings / "weight-0-seed-0" / "interrupted-1").is_dir()
    assert not (trainings / "weight-1-seed-0" / "interrupted-1").exists()


# A test script that writes two results, whatever was trained.
TEST = """
import sys
from pathlib import Path
from PIL import Image
images = Path(sys.argv[sys.argv.index("--results_dir") + 1], "pix2pix", "test_latest", "images")
images.mkdir(parents=True)
for index in range(2):
    for seed, kind in enumerate(("real_A", "real_B", "fake_B")):
        noise = Image.effect_noise((64, 64), 40 + 10 * seed + index).convert("RGB")
        noise.save(images / f"{index}_{kind}.png")
"""


def test_a_script_that_fails_is_named_with_its_last_words(clone: Path, tmp_path: Path) -> None:
    write_data_set(tmp_path / "pairs", 64, train=1, test=1, seed=0)
    (clone / "train.py").write_text("raise SystemExit('no such card')\n")
    with pytest.raises(FFLError, match=r"weight 0, seed 0 \(no such card; .*log\.txt\); fix it"):
        reproduce(
            "pix2pix", "--clone", clone, "--data", tmp_path / "pairs", "--out", tmp_path / "out", "--seeds", 1
        )


def test_a_library_that_the_clone_needs_is_asked_for(clone: Path, tmp_path: Path) -> None:
    write_data_set(tmp_path / "pairs", 64, train=1, test=1, seed=0)
    (clone / "train.py").write_text("import there_is_no_such_library\n")
    with pytest.raises(FFLError, match=r"no_such_library'; .*install what the clone's requirements"):
        reproduce(
            "pix2pix", "--clone", clone, "--data", tmp_path / "pairs", "--out", tmp_path / "out", "--seeds", 1
        )


@pytest.mark.parametrize("name", ["pix2pix", "spade", "stylegan2"])
def test_clone_and_data_are_asked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(FFLError, match=rf"{name} needs your clone and data set: --clone DIR"):
        reproduce(name, "--out", tmp_path / "out")


class TestChecks:
    @pytest.mark.parametrize("module", [pix2pix, spade, stylegan2], ids=lambda module: module.__name__)
    def test_another_folder_is_not_a_clone(self, module: ModuleType, tmp_path: Path) -> None:
        with pytest.raises(FFLError, match=r"has no .*; .*clone"):
            module.check(tmp_path, tmp_path)

    def test_pix2pix_wants_pairs(self, clone: Path, tmp_path: Path) -> None:
        with pytest.raises(FFLError, match=r"has no folder train; --data"):
            pix2pix.check(clone, tmp_path)

    def test_spade_wants_the_package_of_its_readme_then_a_data_set(self, tmp_path: Path) -> None:
        networks = tmp_path / "clone" / "models" / "networks"
        networks.mkdir(parents=True)
        (networks / "architecture.py").touch()
        with pytest.raises(
            FFLError, match=r"has no sync_batchnorm, .*vacancy/Synchronized-BatchNorm-PyTorch"
        ):
            spade.check(tmp_path / "clone", tmp_path)
        (networks / "sync_batchnorm").mkdir()
        with pytest.raises(FFLError, match=r"none of train_label \(coco\), gtFine \(cityscapes\)"):
            spade.check(tmp_path / "clone", tmp_path)
        (tmp_path / "data" / "train_label").mkdir(parents=True)
        spade.check(tmp_path / "clone", tmp_path / "data")

    def test_stylegan2_wants_a_data_set(self, tmp_path: Path) -> None:
        (tmp_path / "training").mkdir()
        (tmp_path / "training" / "training_loop.py").touch()
        with pytest.raises(FFLError, match=r"There is no .*absent\.zip; .*dataset_tool\.py"):
            stylegan2.check(tmp_path, tmp_path / "absent.zip")


class TestCommands:
    def test_options_that_a_version_lacks_are_left_out(self, tmp_path: Path) -> None:
        old = setup(tmp_path / "pairs")
        train, test = pix2pix.commands(old)
        assert not {"--display_id", "--gpu_ids"} & {*train, *test}
        with (old.clone / "options" / "train_options.py").open("a") as file:
            file.write("# parser.add_argument('--display_id')\n")
        train, test = pix2pix.commands(old)
        assert "--display_id" in train and "--display_id" not in test

    def test_epochs_are_halved_between_constant_and_decaying_rate(self, tmp_path: Path) -> None:
        train, _ = pix2pix.commands(setup(tmp_path / "pairs", epochs=5))
        at = train.index("--n_epochs")
        assert train[at + 1 : at + 4] == ["3", "--n_epochs_decay", "2"]

    def test_facades_are_translated_from_labels_to_photographs(self, tmp_path: Path) -> None:
        assert all("--direction" in command for command in pix2pix.commands(setup(tmp_path / "facades")))
        shoes = pix2pix.commands(setup(tmp_path / "edges2shoes"))
        assert not any("--direction" in command for command in shoes)

    @pytest.mark.parametrize(("folder", "mode"), [("train_label", "coco"), ("gtFine", "cityscapes")])
    def test_spade_knows_its_data_set_by_a_folder(self, tmp_path: Path, folder: str, mode: str) -> None:
        (tmp_path / "data" / folder).mkdir(parents=True)
        for script in spade.commands(setup(tmp_path / "data")):
            assert script[script.index("--dataset_mode") + 1] == mode

    def test_spade_trains_with_the_vgg_loss_where_torch_has_its_network(self, tmp_path: Path) -> None:
        (tmp_path / "data" / "gtFine").mkdir(parents=True)
        one = setup(tmp_path / "data")
        assert "--no_vgg_loss" in spade.commands(one)[0]
        checkpoints = Path(torch.hub.get_dir()) / "checkpoints"
        checkpoints.mkdir(parents=True)
        (checkpoints / "vgg19-dcbb9e9d.pth").write_bytes(b"weights")
        assert "--no_vgg_loss" not in spade.commands(one)[0]

    def test_spades_photographs_get_the_size_and_names_of_the_generated_images(self, tmp_path: Path) -> None:
        (tmp_path / "data" / "train_label").mkdir(parents=True)
        (tmp_path / "data" / "val_img").mkdir()
        Image.new("RGB", (40, 30), (10, 20, 30)).save(tmp_path / "data" / "val_img" / "a.jpg")
        (tmp_path / "results").mkdir()
        Image.new("RGB", (16, 16)).save(tmp_path / "results" / "a.png")
        reals = spade.real(setup(tmp_path / "data"), tmp_path / "results")
        assert [path.name for path in reals.iterdir()] == ["a.png"]
        with Image.open(reals / "a.png") as image:
            assert image.size == (16, 16)
            assert image.getpixel((8, 8)) == pytest.approx((10, 20, 30), abs=2)

    def test_the_reduced_stylegan2_is_narrow_and_its_last_snapshot_is_sampled(self, tmp_path: Path) -> None:
        small = setup(tmp_path / "d", epochs=2)
        train, sample = stylegan2.commands(small)
        assert Path(train[0]).name == "narrow_stylegan2.py" and Path(train[0]).is_file()
        assert train[3] == str(small.clone) and "--kimg=2" in train
        assert stylegan2.PIPELINE.real(small, tmp_path) == tmp_path / "d"
        assert "--outdir=" + stylegan2.PIPELINE.results(small) in sample
        (tmp_path / "generate.py").write_text("import sys\nprint(sys.argv)\n")

        def run() -> subprocess.CompletedProcess[str]:
            words = [word.replace("{out}", str(tmp_path / "o")) for word in sample]
            return subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True)

        assert "runs contains no run with a network-snapshot-*.pkl" in run().stderr
        for snapshot in (2, 0, 1):
            (tmp_path / "o" / "runs" / "00000-d").mkdir(parents=True, exist_ok=True)
            (tmp_path / "o" / "runs" / "00000-d" / f"network-snapshot-{snapshot:06d}.pkl").touch()
        found = str(tmp_path / "o" / "runs" / "00000-d" / "network-snapshot-000002.pkl")
        options = [f"--network={found}", f"--outdir={tmp_path / 'o' / 'samples'}", "--seeds=0-255"]
        assert run().stdout == f"{['generate.py', *options]}\n"

    def test_stylegan2_in_the_papers_setting(self, tmp_path: Path) -> None:
        full = setup(tmp_path / "d", paper=True, epochs=None)
        (train,) = stylegan2.commands(full)
        assert {"--cfg=paper256", "--aug=noaug", "--seed={seed}", "--metrics=fid50k_full,is50k"} <= set(train)
        assert not any(argument.startswith("--kimg") for argument in train)
        assert stylegan2.PIPELINE.results(full) is stylegan2.PIPELINE.real(full, tmp_path) is None
