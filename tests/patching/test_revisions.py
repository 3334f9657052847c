"""A clone patched by an earlier revision of a recipe: named, reverted, upgraded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from clones import MakeClone, contents
from test_patching_cli import run

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, Recipe, plan_apply, plan_revert, plan_upgrade, status
from ffl_plugin.patching.recipe import Edit

FIRST = all_recipes()["stylegan2-ada"]


NEW_WORDS = {
    "self.ffl = ffl.GeneratorTerm(ffl_options)": "self.ffl = ffl.GeneratorTerm(ffl_options, device)",
    "desc += ffl.configure(args, ffl_options, UserError)": "desc += ffl.configure(args, ffl_options, UserError, gpus)",
}


def second_revision() -> Recipe:
    """The same recipe with another word in each file, and the first revision remembered."""
    files = tuple(
        replace(
            file,
            edits=tuple(
                replace(edit, code=NEW_WORDS[edit.code]) if edit.code in NEW_WORDS else edit
                for edit in file.edits
            ),
        )
        for file in FIRST.files
    )
    return replace(FIRST, files=files, earlier=(FIRST.files,))


@pytest.fixture
def clone(make_clone: MakeClone) -> Path:
    clone = make_clone("stylegan2-ada")
    plan_apply(FIRST, clone).write()
    return clone


def test_status_names_the_revision(clone: Path) -> None:
    current = status(second_revision(), clone)
    assert (current.state, current.recipe.revision, second_revision().revision) == ("applied", 1, 2)


def test_apply_refuses_and_says_upgrade(clone: Path) -> None:
    with pytest.raises(
        PatchError,
        match="revision 1 of stylegan2-ada is applied, 2 is installed; run `ffl-patch upgrade stylegan2-ada ",
    ):
        plan_apply(second_revision(), clone)


def test_upgrade_ends_where_apply_would_have(clone: Path, make_clone: MakeClone, tmp_path: Path) -> None:
    plan_upgrade(second_revision(), clone).write()
    upgraded = contents(clone)
    clone.rename(tmp_path / "upgraded")
    fresh = make_clone("stylegan2-ada")
    before = contents(fresh)
    plan_apply(second_revision(), fresh).write()
    assert contents(fresh) == upgraded
    assert plan_upgrade(second_revision(), fresh).changes == ()
    plan_revert(second_revision(), fresh).write()
    assert contents(fresh) == before


def test_revert_takes_out_the_revision_that_is_there(
    clone: Path, make_clone: MakeClone, tmp_path: Path
) -> None:
    plan_revert(second_revision(), clone).write()
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
        plan_upgrade(second_revision(), clone)
    assert contents(clone) == before


def test_only_the_files_that_differ_are_written(clone: Path) -> None:
    launcher, _ = FIRST.files
    recipe = replace(second_revision(), files=(launcher, second_revision().files[1]))
    assert [change.name for change in plan_upgrade(recipe, clone).changes] == ["training/loss.py"]


def first_torch2() -> Recipe:
    """What ffl-plugin's first recipe of this name wrote: everything imported from ``torch2``."""
    recipe = all_recipes()["torch2-stylegan3"]

    def first(edit: Edit) -> Edit:
        code = edit.code.replace("integrations.torch2_stylegan3 import", "integrations.torch2 import")
        code = code.replace(
            "from ffl_plugin.integrations.torch2 import removed_modules",
            "import ffl_plugin.integrations.removed_modules",
        )
        return replace(edit, code=code)

    files = tuple(replace(file, edits=tuple(map(first, file.edits))) for file in recipe.files)
    assert files != recipe.files
    return replace(recipe, files=files)


def test_what_an_earlier_commit_wrote_is_upgraded_in_every_file(
    make_clone: MakeClone, tmp_path: Path
) -> None:
    clone = make_clone("torch2-stylegan3")
    pristine = contents(clone)
    first = first_torch2()
    newest = replace(all_recipes()["torch2-stylegan3"], earlier=(first.files,))
    plan_apply(first, clone).write()
    found = status(newest, clone)
    assert (found.state, found.recipe.revision) == ("applied", 1)
    assert {file.path for file in found.files} == {file.path for file in newest.files}
    plan_upgrade(newest, clone).write()
    assert status(newest, clone).recipe.revision == 2
    plan_revert(newest, clone).write()
    assert contents(clone) == pristine


def test_the_command_line_upgrades_and_says_so(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from ffl_plugin import patches

    monkeypatch.setattr(patches.stylegan2_ada, "RECIPE", second_revision())
    first = contents(clone)
    code, out, _ = run(capfd, "status", clone, "--check")
    assert (
        code == 0
        and f"stylegan2-ada: applied (revision 1; revision 2: ffl-patch upgrade stylegan2-ada {clone})" in out
    )
    (entry,) = json.loads(run(capfd, "status", clone, "--json")[1])["targets"]
    assert (entry["edition"], entry["installed_edition"]) == (1, 2)
    code, _, err = run(capfd, "apply", "stylegan2-ada", clone)
    assert (
        code == 1
        and "revision 1 of stylegan2-ada is applied, 2 is installed; run `ffl-patch upgrade stylegan2-ada "
        in err
    )
    assert "would be upgraded (revision 2)" in run(capfd, "upgrade", clone, "--dry-run")[1]
    assert contents(clone) == first
    code, out, _ = run(capfd, "upgrade", clone)
    assert code == 0 and "stylegan2-ada upgraded (revision 2): train.py, training/loss.py" in out
    assert "already up to date" in run(capfd, "upgrade", clone)[1]


def test_upgrade_of_nothing_is_refused(make_clone: MakeClone) -> None:
    with pytest.raises(PatchError, match="is not applied"):
        plan_upgrade(second_revision(), make_clone("stylegan2-ada"))
