"""A launcher, its training loop and its loss are of one repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from clones import FIXTURES, MakeClone
from pieces import put

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

LOOP = """
def training_loop(loss_kwargs, rank=0):
    PARTS
    loss = construct_class_by_name(GIVEN, **loss_kwargs)
"""


def loop_of(parts: str, given: str) -> str:
    return put(put(LOOP, "PARTS", parts), "GIVEN", given)


def with_loss_of(make_clone: MakeClone, launcher: str, loss: str, loop: str = "") -> Path:
    """A clone with the launcher of one look-alike and the loss of another."""
    clone = make_clone(launcher)
    shutil.copy(FIXTURES / loss / "training" / "loss.py", clone / "training" / "loss.py")
    if loop:
        (clone / "training" / "training_loop.py").write_text(loop, encoding="utf-8")
    return clone


@pytest.mark.parametrize(
    ("launcher", "loss", "argument"),
    [("stylegan2-ada", "stylegan3", "G_mapping"), ("stylegan3", "stylegan2-ada", "G")],
)
def test_of_two_repositories_is_refused(
    make_clone: MakeClone, launcher: str, loss: str, argument: str
) -> None:
    clone = with_loss_of(make_clone, launcher, loss)
    with pytest.raises(
        PatchError, match=rf"passes {argument}, which StyleGAN2Loss of training/loss.py"
    ) as refused:
        plan_apply(all_recipes()[launcher], clone)
    assert refused.value.file == "train.py"


def test_a_launcher_for_another_clone_is_refused(make_clone: MakeClone) -> None:
    """A script in a folder of its own, beside the loss and the loop of another repository."""
    clone = with_loss_of(make_clone, "stylegan2-ada", "stylegan3")
    loop = loop_of(parts="pass", given="device=rank, G=1, D=2")
    (clone / "training" / "training_loop.py").write_text(loop, encoding="utf-8")
    (clone / "scripts").mkdir()
    (clone / "train.py").rename(clone / "scripts" / "train.py")
    with pytest.raises(PatchError, match="G_mapping") as refused:
        plan_apply(all_recipes()["stylegan2-ada"], clone)
    assert refused.value.file == "scripts/train.py"


LOOPS = {
    "named": (loop_of(parts="pass", given="device=rank, G=1, D=2"), "stylegan3"),
    "collected in a loop": (
        loop_of(
            parts="""
            modules = dict()
            for name, module in [('G_mapping', 1), ('G_synthesis', 2), ('D', 3), (None, 4)]:
                modules[name] = module
            """,
            given="device=rank, **modules",
        ),
        "stylegan2-ada",
    ),
    "collected one by one": (
        loop_of(
            parts="""
            modules = {}
            modules['G_mapping'] = 1
            modules['D'] = 2
            """,
            given="device=rank, **modules",
        ),
        "stylegan2-ada",
    ),
}


@pytest.mark.parametrize("launcher", ["stylegan2-ada", "stylegan3"])
@pytest.mark.parametrize("loop", LOOPS)
def test_the_loop_beside_the_launcher_decides(make_clone: MakeClone, loop: str, launcher: str) -> None:
    text, fitting = LOOPS[loop]
    for loss in ("stylegan2-ada", "stylegan3"):
        clone = with_loss_of(make_clone, launcher, loss, text)
        if loss == fitting:
            assert plan_apply(all_recipes()[launcher], clone).changes
        else:
            with pytest.raises(PatchError, match="from different repositories"):
                plan_apply(all_recipes()[launcher], clone)
        shutil.rmtree(clone)


def test_a_loss_that_takes_anything_is_no_reason(make_clone: MakeClone) -> None:
    clone = with_loss_of(make_clone, "stylegan2-ada", "stylegan3")
    loss = clone / "training" / "loss.py"
    text = loss.read_text(encoding="utf-8")
    start = text.index("def __init__(")
    end = text.index("):", start)
    loss.write_text(f"{text[:end]}, **others{text[end:]}", encoding="utf-8")
    assert plan_apply(all_recipes()["stylegan2-ada"], clone).changes


def test_a_loss_that_is_never_trained_is_not_said_to_be(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    train = clone / "train.py"
    train.write_text(
        train.read_text(encoding="utf-8").replace("training.loss.StyleGAN2Loss", "training.own.OwnLoss"),
        encoding="utf-8",
    )
    with pytest.raises(PatchError) as refused:
        plan_apply(all_recipes()["stylegan2-ada"], clone)
    assert "trains with training.own.OwnLoss, not with StyleGAN2Loss" in refused.value.problem
