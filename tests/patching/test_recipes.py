"""Every recipe keeps the engine's promises on the look-alike of its upstream."""

from __future__ import annotations

import ast
import re
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


def test_only_lines_are_added_but_for_the_one_with_the_parameter(recipe: Recipe, clone: Path) -> None:
    for change in plan_apply(recipe, clone).changes:
        lines = iter(
            re.sub(rb"(, )?ffl_options=None(, )?", lambda m: (m[1] and m[2]) or b"", change.new).splitlines()
        )
        assert [line for line in change.old.splitlines() if line not in lines] == []


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


def test_any_edit_taken_out_by_hand_is_reported_and_the_rest_can_be_reverted(
    recipe: Recipe, clone: Path
) -> None:
    before = contents(clone)
    pieces = [(file.path, edit) for file in recipe.files for edit in file.edits]
    for name, edit in pieces[:: 1 + len(pieces) // 10]:
        plan_apply(recipe, clone).write()
        path = clone / name
        path.write_bytes(_without_edit(path.read_bytes(), edit))
        broken = contents(clone)
        assert status(recipe, clone).state == "partly applied"
        with pytest.raises(PatchError, match="partly applied"):
            plan_apply(recipe, clone)
        assert contents(clone) == broken
        plan = plan_revert(recipe, clone)
        assert [note for note in plan.notes if "was gone already" in note or "holds nothing" in note]
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
            assert value is None or isinstance(value, (str, bool)), value

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
