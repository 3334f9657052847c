"""Repositories that no recipe fits: what `detect` and `apply auto` say of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from clones import MakeClone, contents

from ffl_plugin.cli.apply import command as apply
from ffl_plugin.cli.detect import command as detect
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

OWN = "import torch\n\nclass FocalFrequencyLoss(torch.nn.Module):\n    pass\n"
REGISTRY = "from basicsr.utils.registry import LOSS_REGISTRY\nimport torch\n"
OLD = (
    "class Pix2PixModel:\n    def initialize(self, opt): pass\n    def backward_G(self): pass\n"
    "    def get_current_errors(self): pass\n"
)
NEAR = "import torch\n\nclass StyleGAN2Loss:\n    def __init__(self): pass\n"
ELSEWHERE = {
    "an FFL of its own": ("losses/own.py", OWN, "losses/own.py:3 has a focal frequency loss of its own"),
    "a registry of losses": ("losses/__init__.py", REGISTRY, "-m ffl_plugin.integrations.basicsr"),
    "TensorFlow": ("model.py", "\nimport tensorflow as tf\n", "model.py:2 imports TensorFlow"),
    "Keras": ("model.py", "from keras import layers\n", "model.py:1 imports TensorFlow"),
    "JAX": ("model.py", "import jax.numpy as jnp\n", "model.py:1 imports JAX"),
    "the nearest family": ("training/loss.py", NEAR, "but not StyleGAN2Loss.accumulate_gradients"),
    "nothing": ("model.py", "import torch\n", "no supported family"),
    "the API of 2017": ("models/pix2pix_model.py", OLD, "Pix2PixModel has the API of 2017"),
}


@pytest.mark.parametrize(("name", "text", "said"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_no_recipe_fits_is_told(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    refused = CliRunner().invoke(apply, ["auto", str(tmp_path)])
    assert isinstance(refused.exception, PatchError) and said in str(refused.exception)
    result = CliRunner().invoke(detect, [str(tmp_path)])
    assert said in f"{result.output}{result.exception}"
    report = CliRunner().invoke(detect, [str(tmp_path), "--json"])
    found = json.loads(report.stdout)
    assert said in f"{found['problem']}{[fit['problem'] for fit in found['fits']]}"
    assert report.exit_code == (0 if found["fits"] else 1)


LOOP = "import torch\n\ndef step():\n    {}.backward()\n"


@pytest.mark.parametrize(
    "loss", ["self.loss_G", "g_loss", "gen_loss.mean", "Generator_loss", "errG", "losses.gen"]
)
def test_a_trainer_of_no_family_is_told_where_the_loss_alone_belongs(tmp_path: Path, loss: str) -> None:
    (tmp_path / "a.py").write_text(LOOP.format("config.loss_D"), encoding="utf-8")
    (tmp_path / "b.py").write_text(LOOP.format(loss), encoding="utf-8")
    said = str(CliRunner().invoke(detect, [str(tmp_path)]).exception)
    assert "ffl_plugin.FocalFrequencyLoss()" in said and f"`{loss}` in b.py:4" in said


@pytest.mark.parametrize("loss", ["loss", "logging", "d_loss", "total.config"])
def test_no_place_is_named_where_none_is_the_generators(tmp_path: Path, loss: str) -> None:
    (tmp_path / "a.py").write_text(LOOP.format(loss), encoding="utf-8")
    said = str(CliRunner().invoke(detect, [str(tmp_path)]).exception)
    assert "ffl_plugin.FocalFrequencyLoss()" in said and "a.py" not in said


def test_what_uses_no_pytorch_is_told_of_no_loss(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("g_loss.backward()\n", encoding="utf-8")
    assert "FocalFrequencyLoss" not in str(CliRunner().invoke(detect, [str(tmp_path)]).exception)


def test_a_file_that_does_not_parse_is_one_problem(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan3")
    (clone / "train.py").write_text("def launch_training(c)\n    def main(): setup_training_loop_kwargs()\n")
    result = CliRunner().invoke(detect, [str(clone)])
    assert result.output.startswith("of an unknown family: train.py:1: "), result.output
    assert result.output.count("train.py") == 1, result.output
    refused = CliRunner().invoke(apply, ["auto", str(clone)])
    assert isinstance(refused.exception, PatchError)
    assert (refused.exception.file, refused.exception.line) == ("train.py", 1)


def test_tensorflow_beside_torch_is_no_reason(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("import torch\nimport tensorflow\n", encoding="utf-8")
    refused = CliRunner().invoke(apply, ["auto", str(tmp_path)])
    assert "TensorFlow" not in str(refused.exception)


@pytest.mark.parametrize(
    ("folder", "port"),
    [
        ("CycleGAN-tensorflow", "cyclegan"),
        ("StyleGAN3_tf", "stylegan3"),
        ("cycle_gan", "cyclegan"),
        ("executed", None),
        ("logic_utils", None),
        ("other", None),
    ],
)
def test_a_port_is_told_the_one_that_is_supported(tmp_path: Path, folder: str, port: str | None) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "model.py").write_text("import tensorflow as tf\n", encoding="utf-8")
    said = str(CliRunner().invoke(apply, ["auto", str(tmp_path / folder)]).exception)
    assert ("a PyTorch version" if port is None else all_recipes()[port].upstream) in said


def test_a_family_that_refuses_the_clone_is_not_suggested(make_clone: MakeClone) -> None:
    clone = make_clone("spade")
    refused = CliRunner().invoke(apply, ["tsit", str(clone)])
    assert "it looks like spade;" in f"{refused.exception};".replace(".;", ";")
    (clone / "options" / "train_options.py").unlink()
    refused = CliRunner().invoke(apply, ["tsit", str(clone)])
    assert isinstance(refused.exception, PatchError)
    assert "pix2pix" not in str(refused.exception.next_step) and "list" in str(refused.exception.next_step)


def test_auto_says_why_the_only_family_does_not_apply(make_clone: MakeClone) -> None:
    clone = make_clone("spade")
    model = clone / "models" / "pix2pix_model.py"
    model.write_text(model.read_text(encoding="utf-8").replace("self.criterionGAN(", "self.judge("), "utf-8")
    refused = CliRunner().invoke(apply, ["auto", str(clone)])
    assert isinstance(refused.exception, PatchError)
    assert (refused.exception.file, bool(refused.exception.line)) == ("models/pix2pix_model.py", True)
    assert "does not call self.criterionGAN" in refused.exception.problem


def test_the_class_is_named_and_not_who_mentions_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import focal_frequency_loss\n", encoding="utf-8")
    (tmp_path / "b.py").write_text(OWN, encoding="utf-8")
    said = str(CliRunner().invoke(apply, ["auto", str(tmp_path)]).exception)
    assert "b.py:3 has a focal frequency loss of its own" in said


@pytest.mark.parametrize("used", ["", "import focal_frequency_loss\n"])
def test_a_script_that_uses_ours_has_none_of_its_own(tmp_path: Path, used: str) -> None:
    script = f"{used}from ffl_plugin import FocalFrequencyLoss\n"
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    said = str(CliRunner().invoke(apply, ["auto", str(tmp_path)]).exception)
    assert "of its own" not in said and "no supported family" in said
    (tmp_path / "script.py").write_text(f"{script}{OWN}", encoding="utf-8")
    assert "of its own" in str(CliRunner().invoke(apply, ["auto", str(tmp_path)]).exception)


BASE = """\
class BaseOptions:
    def initialize(self, parser):
        parser.add_argument('--model', type=str, default='{}')
"""


@pytest.mark.parametrize("default", ["cut", "cycle_gan"])
def test_a_model_that_is_not_trained_by_default_is_said(make_clone: MakeClone, default: str) -> None:
    clone = make_clone("cyclegan")
    (clone / "options").mkdir()
    (clone / "options" / "base_options.py").write_text(BASE.format(default), encoding="utf-8")
    notes = plan_apply(all_recipes()["cyclegan"], clone).notes
    if default == "cut":
        assert notes == (
            "options/base_options.py: --model defaults to cut, but the patch applies only to --model cycle_gan",
        )
    else:
        assert notes == ()


MODELS = {"cut": "cut", "bicyclegan": "bicycle_gan", "cyclegan": "cycle_gan", "pix2pix": "pix2pix"}


@pytest.mark.parametrize(("taken", "other"), [("cut", "cyclegan"), ("bicyclegan", "pix2pix")])
def test_auto_takes_the_model_that_is_trained_by_default(
    make_clone: MakeClone, taken: str, other: str
) -> None:
    clone = make_clone(taken)
    shutil.copytree(make_clone(other) / "models", clone / "models", dirs_exist_ok=True)
    (clone / "options").mkdir(exist_ok=True)
    options = clone / "options" / "base_options.py"
    for default, first, second in ((taken, taken, other), (other, other, taken)):
        options.write_text(BASE.format(MODELS[default]), encoding="utf-8")
        result = CliRunner().invoke(apply, ["auto", str(clone), "--dry-run", "--json"])
        report = json.loads(result.stdout)
        assert report["target"] == first
        assert any(second in note and "options/base_options.py" in note for note in report["notes"])
    options.write_text(BASE.format("test"), encoding="utf-8")  # neither
    assert "name the one you train" in str(CliRunner().invoke(apply, ["auto", str(clone)]).exception)


@pytest.mark.parametrize("default", ["cut", "cycle_gan"])
def test_auto_takes_no_other_model_where_the_default_is_refused(make_clone: MakeClone, default: str) -> None:
    clone = make_clone("cut")
    shutil.copytree(make_clone("cyclegan") / "models", clone / "models", dirs_exist_ok=True)
    cut = clone / "models" / "cut_model.py"
    cut.write_text(cut.read_text(encoding="utf-8").replace("return parser", "return None"), encoding="utf-8")
    (clone / "options").mkdir(exist_ok=True)
    (clone / "options" / "base_options.py").write_text(BASE.format(default), encoding="utf-8")
    result = CliRunner().invoke(apply, ["auto", str(clone), "--dry-run", "--json"])
    if default == "cut":
        assert "models/cut_model.py" in str(result.exception)
        assert "name cyclegan" in str(getattr(result.exception, "next_step", ""))
    else:
        assert json.loads(result.stdout)["target"] == "cyclegan"


def test_detect_says_what_is_not_trained_by_default(make_clone: MakeClone) -> None:
    clone = make_clone("cyclegan")
    (clone / "options").mkdir()
    (clone / "options" / "base_options.py").write_text(BASE.format("cut"), encoding="utf-8")
    assert "--model defaults to cut" in CliRunner().invoke(detect, [str(clone)]).stdout
    [fit] = json.loads(CliRunner().invoke(detect, [str(clone), "--json"]).stdout)["fits"]
    assert len(fit["notes"]) == 1


def test_a_copy_below_another_repository_is_not_taken(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    copy = clone.parent / "whole" / "converters" / "official"
    shutil.copytree(clone, copy)
    whole = copy.parents[1]
    (whole / "train.py").write_text("import runners\n", encoding="utf-8")
    before = contents(whole)
    refused = CliRunner().invoke(apply, ["auto", str(whole)])
    assert isinstance(refused.exception, PatchError)
    assert "converters/official contains a copy of NVlabs/stylegan2-ada-pytorch" in str(refused.exception)
    assert "converters/official" in CliRunner().invoke(detect, [str(whole)]).stdout
    assert contents(whole) == before
    assert CliRunner().invoke(apply, ["auto", str(copy), "--dry-run"]).exit_code == 0
    (whole / "train.py").unlink()  # nothing else that trains: the copy is meant
    assert CliRunner().invoke(apply, ["auto", str(whole), "--dry-run"]).exit_code == 0
