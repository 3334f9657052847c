"""Clones with and without FFL: pix2pix on the demo's embedded repository, the others up to the start."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from ffl_plugin.cli.reproduce import command
from ffl_plugin.demo.repositories import unpack_repository
from ffl_plugin.demo.scenes import write_data_set
from ffl_plugin.errors import FFLError
from ffl_plugin.reproduce import pix2pix, spade, stylegan2
from ffl_plugin.reproduce.pipeline import Training


def reproduce(*arguments):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, FFLError):
        raise result.exception
    return result


@pytest.fixture
def clone(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    small = ("--load_size", "64", "--crop_size", "64", "--netG", "unet_64", "--ngf", "4")
    monkeypatch.setattr(pix2pix, "SMALL", small)
    unpack_repository(tmp_path / "mine")
    return tmp_path / "mine"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def training(clone: Path, data: Path, **changes) -> Training:
    settings = {"seed": 0, "weight": 1.0, "epochs": 3, "paper": False, **changes}
    return Training(clone=clone, data=data, folder=data.parent / "run", **settings)


@pytest.mark.slow
def test_pix2pix_is_patched_trained_tested_and_compared(clone, tmp_path):
    write_data_set(tmp_path / "pairs", 64, train=4, test=3, seed=0)
    before = contents(clone)
    arguments = ("pix2pix", "--clone", clone, "--data", tmp_path / "pairs", "--out", tmp_path / "out")
    result = reproduce(*arguments, "--seeds", "1", "--epochs", "1", "--weight", "10")
    assert result.exit_code == 0, result.output
    assert "| 128.492 → 123.773 | 80.279 → 74.359 |" in result.stdout
    assert "SSIM (N = 3 pairs)" in result.stdout
    assert contents(clone) == before
    assert "ffl" in (tmp_path / "out" / "clone" / "models" / "pix2pix_model.py").read_text()
    assert (tmp_path / "out" / "comparison" / "report.html").exists()

    log = tmp_path / "out" / "ffl-seed-0" / "train.log"
    log.write_text("not trained again")
    again = reproduce(*arguments, "--seeds", "1", "--epochs", "1", "--weight", "10", "--json")
    rows = {row["metric"]: row for row in json.loads(again.stdout)["comparison"]["rows"]}
    assert rows["psnr"]["before"] != rows["psnr"]["after"]
    assert log.read_text() == "not trained again"
    with pytest.raises(FFLError, match=r"other settings \(weight 10.0, not 5.0\)"):
        reproduce(*arguments, "--seeds", "1", "--epochs", "1", "--weight", "5")


def test_a_script_that_fails_is_named_with_its_last_words(clone, tmp_path, monkeypatch):
    """And it was started with the environment that its pipeline adds."""
    write_data_set(tmp_path / "pairs", 64, train=1, test=1, seed=0)
    (clone / "train.py").write_text("import os\nraise SystemExit('no such card: ' + os.environ['CARD'])\n")
    with_card = replace(pix2pix.PIPELINE, environment=lambda training: {"CARD": f"seed {training.seed}"})
    monkeypatch.setattr(pix2pix, "PIPELINE", with_card)
    with pytest.raises(FFLError, match=r"train\.py of baseline-seed-0 failed \(no such card: seed 0\)"):
        reproduce("pix2pix", "--clone", clone, "--data", tmp_path / "pairs", "--out", tmp_path / "out")


def test_a_library_that_the_clone_needs_is_asked_for(clone, tmp_path):
    write_data_set(tmp_path / "pairs", 64, train=1, test=1, seed=0)
    (clone / "train.py").write_text("import there_is_no_such_library\n")
    with pytest.raises(FFLError, match=r"no_such_library'\); install what the clone's requirements ask for"):
        reproduce("pix2pix", "--clone", clone, "--data", tmp_path / "pairs", "--out", tmp_path / "out")


@pytest.mark.parametrize("name", ["pix2pix", "spade", "stylegan2"])
def test_clone_and_data_are_asked_for(name, tmp_path):
    with pytest.raises(FFLError, match=rf"{name} needs your clone and data set: --clone DIR"):
        reproduce(name, "--out", tmp_path / "out")


class TestChecks:
    @pytest.mark.parametrize("module", [pix2pix, spade, stylegan2], ids=lambda module: module.__name__)
    def test_another_folder_is_not_a_clone(self, module, tmp_path):
        with pytest.raises(FFLError, match=r"has no .*; .*clone"):
            module.check(tmp_path, tmp_path)

    def test_pix2pix_wants_pairs(self, clone, tmp_path):
        with pytest.raises(FFLError, match=r"has no folder train; --data"):
            pix2pix.check(clone, tmp_path)

    def test_spade_wants_the_package_of_its_readme_then_a_data_set(self, tmp_path):
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

    def test_spade_wants_the_whole_vgg19(self, tmp_path, monkeypatch):
        for folder in ("clone/models/networks/sync_batchnorm", "data/train_label"):
            (tmp_path / folder).mkdir(parents=True)
        (tmp_path / "clone" / "models" / "networks" / "architecture.py").touch()
        torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "vgg19.pth")
        monkeypatch.setenv("FFL_VGG19", str(tmp_path / "vgg19.pth"))
        with pytest.raises(FFLError, match=r"vgg19\.pth lacks VGG19's classifier, .*use vgg19-dcbb9e9d\.pth"):
            spade.check(tmp_path / "clone", tmp_path / "data")

    def test_stylegan2_wants_a_data_set(self, tmp_path):
        (tmp_path / "training").mkdir()
        (tmp_path / "training" / "training_loop.py").touch()
        with pytest.raises(FFLError, match=r"There is no .*absent\.zip; .*dataset_tool\.py"):
            stylegan2.check(tmp_path, tmp_path / "absent.zip")


class TestCommands:
    def test_options_that_a_version_lacks_are_left_out(self, clone, tmp_path):
        new = pix2pix.train(training(clone, tmp_path / "pairs"))
        assert not {"--display_id", "--gpu_ids"} & set(new)
        with (clone / "options" / "train_options.py").open("a") as file:
            file.write("# parser.add_argument('--display_id')\n")
        assert "--display_id" in pix2pix.train(training(clone, tmp_path / "pairs"))

    def test_epochs_are_halved_between_constant_and_decaying_rate(self, clone, tmp_path):
        new = pix2pix.train(training(clone, tmp_path / "pairs", epochs=5))
        assert new[new.index("--n_epochs") + 1 : new.index("--n_epochs") + 4] == [
            "3",
            "--n_epochs_decay",
            "2",
        ]

    def test_facades_are_translated_from_labels_to_photographs(self, clone, tmp_path):
        assert "--direction" in pix2pix.train(training(clone, tmp_path / "facades"))
        assert "--direction" not in pix2pix.train(training(clone, tmp_path / "edges2shoes"))

    @pytest.mark.parametrize(("folder", "mode"), [("train_label", "coco"), ("gtFine", "cityscapes")])
    def test_spade_knows_its_data_set_by_a_folder(self, clone, tmp_path, folder, mode):
        (tmp_path / "data" / folder).mkdir(parents=True)
        new = spade.train(training(clone, tmp_path / "data"))
        assert new[new.index("--dataset_mode") + 1] == mode

    def test_spade_trains_with_the_vgg_loss_where_torchvision_in_the_clone_finds_it(
        self, clone, tmp_path, monkeypatch
    ):
        (tmp_path / "data" / "gtFine").mkdir(parents=True)
        one = training(clone, tmp_path / "data")
        assert "--no_vgg_loss" in spade.train(one)
        assert spade.environment(one) == {}
        (tmp_path / "mine.pth").write_bytes(b"weights")
        monkeypatch.setenv("FFL_VGG19", str(tmp_path / "mine.pth"))
        assert "--no_vgg_loss" not in spade.train(one)
        for _ in range(2):  # each training asks
            monkeypatch.setenv("TORCH_HOME", spade.environment(one)["TORCH_HOME"])
        looked_for = Path(torch.hub.get_dir()) / "checkpoints" / "vgg19-dcbb9e9d.pth"
        assert looked_for.read_bytes() == b"weights"

    def test_the_reduced_stylegan2_is_narrow_and_samples_its_last_snapshot(self, clone, tmp_path):
        small = training(clone, tmp_path / "d.zip", epochs=2)
        new = stylegan2.train(small)
        assert Path(new[0]).name == "narrow_stylegan2.py" and Path(new[0]).is_file()
        assert new[3] == str(clone) and "--kimg=2" in new
        with pytest.raises(FFLError, match=r"no run; see its train\.log"):
            stylegan2.test(small)
        for run, snapshot in (("00000-d", 2), ("00001-d", 0), ("00001-d", 1)):
            (small.folder / "runs" / run).mkdir(parents=True, exist_ok=True)
            (small.folder / "runs" / run / f"network-snapshot-{snapshot:06d}.pkl").touch()
        sampled = stylegan2.test(small)
        assert f"--network={small.folder / 'runs' / '00001-d' / 'network-snapshot-000001.pkl'}" in sampled
        assert f"--outdir={stylegan2.results(small)}" in sampled
        assert stylegan2.real(small) == tmp_path / "d.zip"

    def test_stylegan2_in_the_papers_setting(self, clone, tmp_path):
        new = stylegan2.train(training(clone, tmp_path / "d.zip", paper=True, epochs=None, seed=3))
        assert {"--cfg=paper256", "--aug=noaug", "--seed=3", "--metrics=fid50k_full,is50k"} <= set(new)
        assert not any(argument.startswith("--kimg") for argument in new)
        assert stylegan2.test(training(clone, tmp_path / "d.zip", paper=True)) is None
