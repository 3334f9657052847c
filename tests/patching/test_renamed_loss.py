"""The loss class that a launcher trains is the one that is patched, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import MakeClone, contents

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply, plan_revert, status
from ffl_plugin.patching.detect import detect

TARGETS = ["stylegan2-ada", "stylegan3"]
OWN = """\
from training.loss import StyleGAN2Loss


class OwnLoss(StyleGAN2Loss):
    def run_G(self):
        return None
"""


def rename(clone: Path, *files: str) -> None:
    for name in files:
        file = clone / name
        text = file.read_text(encoding="utf-8")
        assert "StyleGAN2Loss" in text
        file.write_text(text.replace("StyleGAN2Loss", "FundusGANLoss"), encoding="utf-8")


@pytest.mark.parametrize("target", TARGETS)
def test_a_renamed_class_is_patched_and_reverted(make_clone: MakeClone, target: str) -> None:
    clone = make_clone(target)
    rename(clone, "train.py", "training/loss.py")
    before = contents(clone)
    recipe = all_recipes()[target]
    assert [fit.recipe.name for fit in detect(all_recipes().values(), clone) if fit.problem is None] == [
        target
    ]
    plan_apply(recipe, clone).write()
    assert status(recipe, clone).state == "applied"
    assert not plan_apply(recipe, clone).changes
    assert b"loss_Gmain = loss_Gmain + loss_Gffl" in (clone / "training" / "loss.py").read_bytes()
    plan_revert(recipe, clone).write()
    assert contents(clone) == before


@pytest.mark.parametrize("target", TARGETS)
def test_a_class_of_its_own_beside_the_usual_one(make_clone: MakeClone, target: str) -> None:
    """The launcher trains another class of the file, which has the form: that one is patched."""
    clone = make_clone(target)
    loss = clone / "training" / "loss.py"
    text = loss.read_text(encoding="utf-8")
    start = text.index("class StyleGAN2Loss")
    copy = text[start:].replace("StyleGAN2Loss", "FundusGANLoss")
    loss.write_text(f"{text}\n\n{copy}", encoding="utf-8")
    rename(clone, "train.py")
    changed = {change.name: change.new for change in plan_apply(all_recipes()[target], clone).changes}
    usual, _, own = changed["training/loss.py"].partition(b"class FundusGANLoss")
    assert b"loss_Gffl" not in usual and b"loss_Gffl" in own


@pytest.mark.parametrize("target", TARGETS)
def test_a_class_without_the_form_is_named_with_its_line(make_clone: MakeClone, target: str) -> None:
    clone = make_clone(target)
    (clone / "training" / "own.py").write_text(OWN, encoding="utf-8")
    train = clone / "train.py"
    text = train.read_text(encoding="utf-8").replace("training.loss.StyleGAN2Loss", "training.own.OwnLoss")
    train.write_text(text, encoding="utf-8")
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "OwnLoss" in each)
    with pytest.raises(PatchError, match=r"trains with training\.own\.OwnLoss") as refused:
        plan_apply(all_recipes()[target], clone)
    assert (refused.value.file, refused.value.line) == ("train.py", line)
    problems = [fit.problem for fit in detect(all_recipes().values(), clone)]
    assert any(problem is not None and "OwnLoss" in problem.problem for problem in problems)


def test_another_function_that_sets_up_the_loop_is_named(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    train = clone / "train.py"
    text = train.read_text(encoding="utf-8")
    call = "setup_training_loop_kwargs(**config_kwargs)"
    text = (
        text.replace(call, "prepare(config_kwargs)") + f"\n\ndef prepare(config_kwargs):\n    return {call}\n"
    )
    train.write_text(text, encoding="utf-8")
    with pytest.raises(PatchError, match="prepare, not main, calls setup_training_loop_kwargs"):
        plan_apply(all_recipes()["stylegan2-ada"], clone)
