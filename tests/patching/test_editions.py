"""A clone patched by an earlier edition of a recipe: named, reverted, upgraded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from clones import MakeClone, contents

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, Recipe, plan_apply, plan_revert, plan_upgrade, status
from ffl_plugin.patching.recipe import Statement

FIRST = all_recipes()["stylegan2-ada"]


def second_edition() -> Recipe:
    """The same recipe with another word in the constructor of the loss, and the first edition remembered."""
    launcher, loss = FIRST.files
    edits = tuple(
        replace(edit, code="self.ffl = ffl.GeneratorTerm(ffl_options, device)")
        if isinstance(edit, Statement) and edit.code.startswith("self.ffl")
        else edit
        for edit in loss.edits
    )
    return replace(FIRST, files=(launcher, replace(loss, edits=edits)), earlier=(FIRST.files,))


@pytest.fixture
def clone(make_clone: MakeClone) -> Path:
    clone = make_clone("stylegan2-ada")
    plan_apply(FIRST, clone).write()
    return clone


def test_status_names_the_edition(clone: Path) -> None:
    current = status(second_edition(), clone)
    assert (current.state, current.recipe.edition, second_edition().edition) == ("applied", 1, 2)


def test_apply_refuses_and_says_upgrade(clone: Path) -> None:
    with pytest.raises(
        PatchError, match="edition 1 of stylegan2-ada is applied, 2 is installed; run `ffl-patch upgrade`"
    ):
        plan_apply(second_edition(), clone)


def test_upgrade_ends_where_apply_would_have(clone: Path, make_clone: MakeClone, tmp_path: Path) -> None:
    plan_upgrade(second_edition(), clone).write()
    upgraded = contents(clone)
    clone.rename(tmp_path / "upgraded")
    fresh = make_clone("stylegan2-ada")
    before = contents(fresh)
    plan_apply(second_edition(), fresh).write()
    assert contents(fresh) == upgraded
    assert plan_upgrade(second_edition(), fresh).changes == ()
    plan_revert(second_edition(), fresh).write()
    assert contents(fresh) == before


def test_revert_takes_out_the_edition_that_is_there(
    clone: Path, make_clone: MakeClone, tmp_path: Path
) -> None:
    plan_revert(second_edition(), clone).write()
    reverted = contents(clone)
    clone.rename(tmp_path / "reverted")
    assert reverted == contents(make_clone("stylegan2-ada"))


def test_upgrade_refuses_a_piece_edited_by_hand(clone: Path) -> None:
    loss = clone / "training" / "loss.py"
    loss.write_text(
        loss.read_text(encoding="utf-8").replace("+ loss_Gffl", "+ 2 * loss_Gffl"), encoding="utf-8"
    )
    before = contents(clone)
    with pytest.raises(PatchError, match="partly applied"):
        plan_upgrade(second_edition(), clone)
    assert contents(clone) == before


def test_upgrade_of_nothing_is_refused(make_clone: MakeClone) -> None:
    with pytest.raises(PatchError, match="is not applied"):
        plan_upgrade(second_edition(), make_clone("stylegan2-ada"))
