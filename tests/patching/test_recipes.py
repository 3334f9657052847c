"""Every recipe is frozen data that fits its look-alike; `test_promises.py` holds it to the promises."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FunctionType

from clones import contents

from ffl_plugin.patching import Recipe, plan_apply, plan_revert
from ffl_plugin.patching.rewrite import remove_edits
from ffl_plugin.patching.source import Source


def test_apply_then_revert_gives_every_byte_back(recipe: Recipe, clone: Path) -> None:
    before = contents(clone)
    plan_apply(recipe, clone).write()
    patched = contents(clone)
    assert {name for name in before if patched[name] != before[name]} == {file.path for file in recipe.files}
    plan_revert(recipe, clone).write()
    assert contents(clone) == before


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
            assert value is None or isinstance(value, (str, bool, FunctionType)), value

    check(recipe)
    hash(recipe)


def test_a_recipe_names_versions_of_all_its_files(recipe: Recipe) -> None:
    files = {file.path for file in recipe.files}
    named = [{path for path, _ in version.blobs} for version in recipe.versions]
    assert files in named
    if recipe.adapt is None:  # otherwise other repositories may have it in other files
        assert all(each == files for each in named)


def test_taking_out_of_an_unpatched_file_changes_nothing(recipe: Recipe, clone: Path) -> None:
    for file in recipe.files:
        data = (clone / file.path).read_bytes()
        assert remove_edits(Source(data, file.path), file.edits) == data
