"""Every recipe keeps the engine's promises on the look-alike of its upstream."""

from __future__ import annotations

import ast
import stat
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from clones import contents

from ffl_plugin.patching import PatchError, Recipe, plan_apply, plan_revert, status
from ffl_plugin.patching.rewrite import take_out
from ffl_plugin.patching.source import Source


def test_apply_then_revert_gives_every_byte_back(recipe: Recipe, clone: Path) -> None:
    before = contents(clone)
    plan_apply(recipe, clone).write()
    patched = contents(clone)
    assert {name for name in before if patched[name] != before[name]} == {file.path for file in recipe.files}
    plan_revert(recipe, clone).write()
    assert contents(clone) == before


def test_apply_twice_is_apply_once(recipe: Recipe, clone: Path) -> None:
    plan_apply(recipe, clone).write()
    once = contents(clone)
    again = plan_apply(recipe, clone)
    assert again.changes == ()
    again.write()
    assert contents(clone) == once


def test_a_plan_writes_nothing(recipe: Recipe, clone: Path) -> None:
    before = contents(clone)
    assert plan_apply(recipe, clone).diff()
    assert contents(clone) == before


def test_only_lines_are_added_but_for_signatures(recipe: Recipe, clone: Path) -> None:
    removed = [line for line in plan_apply(recipe, clone).diff().split(b"\n") if line.startswith(b"-")]
    assert all(b"def " in line or line.startswith(b"---") for line in removed)


def test_the_patched_files_parse_and_hold_each_edit_once(recipe: Recipe, clone: Path) -> None:
    plan_apply(recipe, clone).write()
    for file in recipe.files:
        ast.parse((clone / file.path).read_bytes())
    assert {edit.state for entry in status(recipe, clone).files for edit in entry.edits} == {"applied"}


def test_file_modes_are_kept(recipe: Recipe, clone: Path) -> None:
    paths = [clone / file.path for file in recipe.files]
    for path in paths:
        path.chmod(0o755)
    plan_apply(recipe, clone).write()
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o755] * len(paths)
    plan_revert(recipe, clone).write()
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o755] * len(paths)


@pytest.mark.parametrize("missing", range(9))
def test_any_edit_taken_out_by_hand_is_reported_and_the_rest_can_be_reverted(
    recipe: Recipe, clone: Path, missing: int
) -> None:
    edits = [(file, edit) for file in recipe.files for edit in file.edits]
    if missing >= len(edits):
        pytest.skip("the recipe has fewer edits")
    before = contents(clone)
    plan_apply(recipe, clone).write()
    file, edit = edits[missing]
    path = clone / file.path
    path.write_bytes(_without_edit(path.read_bytes(), edit))
    assert status(recipe, clone).state == "partly applied"
    broken = contents(clone)
    with pytest.raises(PatchError, match="partly applied"):
        plan_apply(recipe, clone)
    assert contents(clone) == broken
    plan = plan_revert(recipe, clone)
    assert any("gone already" in note for note in plan.notes)
    plan.write()
    assert contents(clone) == before


def _without_edit(data: bytes, edit: Any) -> bytes:
    """What a careful user leaves who deletes one of our edits alone."""
    from ffl_plugin.patching import splice
    from ffl_plugin.patching.removal import spans_of
    from ffl_plugin.patching.trace import trace

    source = Source(data, "file")
    return splice.delete(data, spans_of(source, trace(source, (edit,)).nodes))


def test_a_recipe_is_frozen_data(recipe: Recipe) -> None:
    def check(value: object) -> None:
        if is_dataclass(value):
            assert value.__dataclass_params__.frozen, value  # type: ignore[attr-defined]
            for field in fields(value):
                check(getattr(value, field.name))
        elif isinstance(value, tuple):
            for part in value:
                check(part)
        else:
            assert value is None or isinstance(value, str), value

    check(recipe)
    hash(recipe)


def test_a_recipe_names_versions_of_all_its_files(recipe: Recipe) -> None:
    assert recipe.versions
    for version in recipe.versions:
        assert {path for path, _ in version.blobs} == {file.path for file in recipe.files}


def test_taking_out_of_an_unpatched_file_changes_nothing(recipe: Recipe, clone: Path) -> None:
    for file in recipe.files:
        data = (clone / file.path).read_bytes()
        assert take_out(Source(data, file.path), file.edits) == data
