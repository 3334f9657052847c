"""Which files of a clone a recipe means: by path, by content, below a folder; and which family a clone is of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from clones import MakeClone, contents
from test_patching_cli import run

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, Recipe, apply, plan_apply, plan_revert, status
from ffl_plugin.patching.detect import detect
from ffl_plugin.patching.recipe import File, Import, Only, Statement

ADA = all_recipes()["stylegan2-ada"]


def test_each_look_alike_is_of_its_own_family_only(recipe: Recipe, clone: Path) -> None:
    applying = [fit.recipe.name for fit in detect(all_recipes().values(), clone) if fit.problem is None]
    assert applying in ([recipe.companion_of or recipe.name], [] if recipe.companion_of else None)


def test_a_path_alone_is_no_family(tmp_path: Path) -> None:
    edits = (Import("import timing"), Statement("", "timing.start()", before=Only(("run()",))))
    script = File("train.py", defines=(), edits=edits)
    recipe = Recipe("timed", "someone/scripts", "", "python train.py", (script,))
    (tmp_path / "train.py").write_text("import os\n\nos.getcwd()\n", encoding="utf-8")
    assert detect([recipe], tmp_path) == []
    (tmp_path / "train.py").write_text("import os\n\nrun()\n", encoding="utf-8")
    assert [(fit.because, fit.problem) for fit in detect([recipe], tmp_path)] == [
        ("every edit has its place in train.py", None)
    ]


def test_files_elsewhere_are_found_by_what_they_define(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    (clone / "training").rename(clone / "learning")
    (clone / "train.py").rename(clone / "launch.py")
    launcher = clone / "launch.py"
    text = launcher.read_text(encoding="utf-8").replace("training.loss.", "learning.loss.")
    launcher.write_text(text, encoding="utf-8")
    before = contents(clone)
    plan = plan_apply(ADA, clone)
    assert [change.name for change in plan.changes] == ["launch.py", "learning/loss.py"]
    plan.write()
    assert status(ADA, clone).state == "applied"
    plan_revert(ADA, clone).write()
    assert contents(clone) == before


@pytest.mark.parametrize(
    ("target", "script"), [("torch2", "projector.py"), ("torch2-stylegan3", "gen_video.py")], ids=str
)
def test_a_script_that_a_fork_dropped_is_gone_without(
    make_clone: MakeClone, target: str, script: str
) -> None:
    recipe, clone = all_recipes()[target], make_clone(target)
    (clone / script).write_text("# moved to a notebook\n", encoding="utf-8")
    before = contents(clone)
    plan = plan_apply(recipe, clone)
    assert plan.notes == (f"{script} does not exist, so the {target} patch omits it",)
    plan.write()
    assert script not in [change.name for change in plan.changes]
    assert status(recipe, clone).state == "applied" and plan_apply(recipe, clone).changes == ()
    reverted = plan_revert(recipe, clone)
    reverted.write()
    assert contents(clone) == before and reverted.notes == ()


def test_a_launcher_that_training_needs_is_not_gone_without(make_clone: MakeClone) -> None:
    clone = make_clone("torch2")
    (clone / "train.py").unlink()
    with pytest.raises(PatchError, match="no file defines setup_training_loop_kwargs"):
        plan_apply(all_recipes()["torch2"], clone)


def test_files_with_the_same_edits_are_told_apart_by_what_they_define(make_clone: MakeClone) -> None:
    recipe, clone = all_recipes()["torch2-stylegan3"], make_clone("torch2-stylegan3")
    (clone / "train.py").rename(clone / "train_3d.py")
    (clone / "training" / "training_loop.py").rename(clone / "training" / "training_loop_3d.py")
    before = contents(clone)
    plan_apply(recipe, clone).write()
    assert status(recipe, clone).state == "applied"
    plan_revert(recipe, clone).write()
    assert contents(clone) == before


def test_what_would_not_be_found_again_is_refused(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = make_clone("pix2pix")
    monkeypatch.setattr(apply, "find_patched", lambda *_: ({}, []))
    with pytest.raises(PatchError, match="would not be recognised"):
        plan_apply(all_recipes()["pix2pix"], clone)


def test_the_launcher_that_names_the_loss_is_taken(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    (clone / "train.py").rename(clone / "train_old.py")
    text = (clone / "train_old.py").read_text(encoding="utf-8")
    other = text.replace("training.loss.StyleGAN2Loss", "training.vae_loss.VAELoss")
    (clone / "train_vae.py").write_text(other, encoding="utf-8")
    assert plan_apply(ADA, clone).changes[0].name == "train_old.py"


def test_two_launchers_that_fit_are_listed(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    shutil.copy(clone / "train.py", clone / "train_small.py")
    assert plan_apply(ADA, clone).changes[0].name == "train.py"
    (clone / "train.py").rename(clone / "train_large.py")
    with pytest.raises(
        PatchError, match=r"train_large.py and train_small.py in .* each define .*; put the one"
    ):
        plan_apply(ADA, clone)


def test_the_launcher_of_another_clone_is_not_taken(make_clone: MakeClone, tmp_path: Path) -> None:
    make_clone("stylegan2-ada")
    (tmp_path / "a").mkdir()
    (tmp_path / "stylegan2-ada" / "train.py").rename(tmp_path / "a" / "train.py")
    with pytest.raises(PatchError, match=r"trains with training\.loss\.StyleGAN2Loss, not with"):
        plan_apply(ADA, tmp_path)


def test_a_clone_below_the_folder_is_found(make_clone: MakeClone, tmp_path: Path) -> None:
    make_clone("stylegan2-ada")
    before = contents(tmp_path)
    plan_apply(ADA, tmp_path).write()
    assert status(ADA, tmp_path).state == "applied"
    plan_revert(ADA, tmp_path).write()
    assert contents(tmp_path) == before


def test_several_clones_below_the_folder_are_listed(make_clone: MakeClone, tmp_path: Path) -> None:
    clone = make_clone("stylegan2-ada")
    shutil.copytree(clone, tmp_path / "second")
    with pytest.raises(PatchError, match=r"2 clones .* \(second and stylegan2-ada\)"):
        plan_apply(ADA, tmp_path)
    plan_apply(ADA, clone).write()
    plan_apply(ADA, tmp_path / "second").write()
    with pytest.raises(PatchError, match="all contain the stylegan2-ada patch"):
        plan_revert(ADA, tmp_path)


def test_what_cannot_be_parsed_elsewhere_does_not_matter(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    (clone / "python2.py").write_text("print 'Pix2PixModel'  # ffl\n", encoding="utf-8")
    (clone / "broken_link.py").symlink_to("nowhere.py")
    (clone / "latin.py").write_bytes(b"# \xe9 Pix2PixModel ffl\n")
    plan_apply(all_recipes()["pix2pix"], clone).write()
    plan_revert(all_recipes()["pix2pix"], clone).write()


def test_paths_with_spaces_and_other_scripts(make_clone: MakeClone, tmp_path: Path) -> None:
    clone = make_clone("pix2pix").rename(tmp_path / "ein Ordner – 学習")
    before = contents(clone)
    plan_apply(all_recipes()["pix2pix"], clone).write()
    plan_revert(all_recipes()["pix2pix"], clone).write()
    assert contents(clone) == before


DIFFERENT = {
    "pix2pix of 2017": (
        "pix2pix",
        "class Pix2PixModel:\n    def initialize(self, opt): pass\n    def backward_G(self): pass\n"
        "    def get_current_errors(self): pass\n",
        "Pix2PixModel has the API of 2017",
    ),
    "cyclegan of 2017": (
        "cyclegan",
        "class CycleGANModel:\n    def initialize(self, opt): pass\n    def get_current_errors(self): pass\n",
        "CycleGANModel has the API of 2017",
    ),
    "spade for pix2pix": (
        "pix2pix",
        "class Pix2PixModel:\n    def compute_generator_loss(self): pass\n",
        "Pix2PixModel has SPADE's API",
    ),
}


@pytest.mark.parametrize(("target", "text", "message"), DIFFERENT.values(), ids=DIFFERENT)
def test_relatives_are_told_apart_in_words(tmp_path: Path, target: str, text: str, message: str) -> None:
    (tmp_path / "model.py").write_text(text, encoding="utf-8")
    with pytest.raises(PatchError, match=f"model.py: {message}"):
        plan_apply(all_recipes()[target], tmp_path)


NEAREST = {
    "a loss split over methods": (
        "stylegan2-ada",
        {
            "training/loss.py": "class StyleGAN2Loss:\n    def __init__(self): pass\n    def step(self): pass\n"
        },
        "training/loss.py defines StyleGAN2Loss.__init__, but not StyleGAN2Loss.accumulate_gradients",
    ),
    "a launcher that is a library": (
        "stylegan3",
        {"train.py": "def launch_training(c): pass\n", "generate.py": "def main(): pass\n"},
        "train.py defines launch_training, but not main",
    ),
    "nothing telling": (
        "stylegan3",
        {"generate.py": "def main(): pass\n"},
        "no file defines launch_training and main",
    ),
}


@pytest.mark.parametrize(("target", "files", "message"), NEAREST.values(), ids=NEAREST)
def test_what_is_lacking_is_named_where_it_should_be(
    make_clone: MakeClone, target: str, files: dict[str, str], message: str
) -> None:
    clone = make_clone(target)
    for name in ("train.py", "training/loss.py"):
        if name in files or len(files) > 1 or target == "stylegan3":
            (clone / name).unlink()
    for name, text in files.items():
        (clone / name).write_text(text, encoding="utf-8")
    with pytest.raises(PatchError, match=f"does not belong to the {target} family: {message}"):
        plan_apply(all_recipes()[target], clone)


def test_the_constructor_of_2018_is_known(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    model = clone / "models" / "pix2pix_model.py"
    text = model.read_text(encoding="utf-8").replace("__init__", "initialize")
    model.write_text(text, encoding="utf-8")
    plan_apply(all_recipes()["pix2pix"], clone).write()
    assert "        ffl.setup(self)\n" in model.read_text(encoding="utf-8")


def test_apply_auto_and_detect(
    make_clone: MakeClone, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    clone = make_clone("spade")
    code, out, _ = run(capfd, "detect", clone)
    assert code == 0 and out.startswith("spade: options/train_options.py defines TrainOptions.initialize")
    assert run(capfd, "apply", "auto", clone)[0] == 0
    assert status(all_recipes()["spade"], clone).state == "applied"
    code, out, _ = run(capfd, "detect", make_clone("eg3d"), "--json")
    fits = {fit["target"]: fit for fit in json.loads(out)["fits"]}
    assert fits["eg3d"]["applies"] and not fits["stylegan3"]["applies"]
    assert fits["stylegan3"]["problem"] is not None
    (tmp_path / "empty").mkdir()
    code, out, err = run(capfd, "apply", "auto", tmp_path / "empty")
    assert code == 1 and "no supported family" in err
    code, _, err = run(capfd, "detect", tmp_path / "empty")
    assert code == 1 and "no supported family" in err


def test_auto_asks_where_two_fit(make_clone: MakeClone, capfd: pytest.CaptureFixture[str]) -> None:
    clone = make_clone("pix2pix")
    shutil.copy(make_clone("cyclegan") / "models" / "cycle_gan_model.py", clone / "models")
    code, _, err = run(capfd, "apply", "auto", clone)
    assert code == 1 and "fits cyclegan and pix2pix; name the one you train." in err


@pytest.mark.parametrize("by_name", [True, False])
def test_a_backup_in_which_no_model_is_looked_for_is_refused(make_clone: MakeClone, by_name: bool) -> None:
    clone = make_clone("cyclegan")
    model = clone / "models" / "cycle_gan_model.py"
    model.rename(model.with_name("cycle_gan_model_backup.py"))
    if by_name:
        package = "def find_model_using_name(model_name):\n    pass\n"
        (clone / "models" / "__init__.py").write_text(package, encoding="utf-8")
        with pytest.raises(PatchError, match="finds models by the names of their files"):
            plan_apply(all_recipes()["cyclegan"], clone)
    else:
        assert plan_apply(all_recipes()["cyclegan"], clone).changes
