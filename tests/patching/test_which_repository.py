"""Folders with several repositories, and files that cannot be read: what is said, and what is asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from clones import FIXTURES, MakeClone, contents

from ffl_plugin.cli.apply import command as apply
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply


def several(tmp_path: Path, *places: tuple[str, str]) -> Path:
    for target, folder in places:
        shutil.copytree(FIXTURES / target, tmp_path / "all" / folder)
    return tmp_path / "all"


@pytest.mark.parametrize(
    "places",
    [
        [("pix2pix", "a"), ("pix2pix", "b"), ("spade", "c")],
        [("stylegan3", "a"), ("stylegan3", "b"), ("cyclegan", "c")],
        [("cyclegan", "a"), ("cyclegan", "b"), ("spade", "c"), ("stylegan3", "d")],
    ],
)
def test_auto_asks_which_of_several_repositories(tmp_path: Path, places: list[tuple[str, str]]) -> None:
    root = several(tmp_path, *places)
    before = contents(root)
    result = CliRunner().invoke(apply, ["auto", str(root)])
    assert isinstance(result.exception, PatchError)
    said = str(result.exception)
    for target, folder in places:
        assert target in said
        assert f"{folder}/" in said or f"({folder} and" in said or f"and {folder})" in said
    assert contents(root) == before


def test_auto_asks_which_of_two_copies_of_a_repository_with_two_targets(tmp_path: Path) -> None:
    root = several(tmp_path, ("pix2pix", "a"), ("pix2pix", "b"))
    for folder in ("a", "b"):
        shutil.copy(FIXTURES / "cyclegan/models/cycle_gan_model.py", root / folder / "models")
    said = CliRunner().invoke(apply, ["auto", str(root)]).exception
    assert isinstance(said, PatchError)
    assert "(a and b)" in said.problem and "folder" in str(said.next_step)


@pytest.mark.parametrize("name", ["train.py", "sub/train.py", "sub/folder/train.py"])
def test_a_file_that_does_not_parse_is_named_wherever_it_is(make_clone: MakeClone, name: str) -> None:
    clone = make_clone("stylegan3")
    train = clone / "train.py"
    text = train.read_text(encoding="utf-8").replace("def main(**kwargs):", "def main(**kwargs)")
    train.unlink()
    (clone / name).parent.mkdir(parents=True, exist_ok=True)
    (clone / name).write_text(text, encoding="utf-8")
    with pytest.raises(PatchError, match="cannot be parsed") as refused:
        plan_apply(all_recipes()["stylegan3"], clone)
    assert refused.value.file == name
    assert refused.value.line == text.splitlines().index("def main(**kwargs)") + 1


def test_the_reasons_of_all_candidates_are_given(make_clone: MakeClone) -> None:
    """Moving one of them to the upstream's place would not help: neither can be patched there."""
    clone = make_clone("stylegan3")
    text = (clone / "train.py").read_text(encoding="utf-8")
    (clone / "train.py").unlink()
    for name in ("train_a.py", "train_b.py"):
        own = text.replace("training.loss.StyleGAN2Loss", f"training.{name[:-3]}.OtherLoss")
        (clone / name).write_text(own, encoding="utf-8")
    with pytest.raises(PatchError) as refused:
        plan_apply(all_recipes()["stylegan3"], clone)
    for name in ("train_a", "train_b"):
        assert f"{name}.py:31: trains with training.{name}.OtherLoss" in refused.value.problem
    assert "put the one to patch" not in str(refused.value)
