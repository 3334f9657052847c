"""Opt-in: copies of real upstream clones, named by environment variables, come back byte for byte."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import Clone, Recipe, plan_apply, plan_revert, status
from ffl_plugin.patching.search import find_files

SAME_REPOSITORY = {"cyclegan": "pix2pix"}


def variable(recipe: Recipe) -> str:
    """The variable that names a clone of a target's upstream: ``FFL_STYLEGAN2_ADA``, for its companions too."""
    target = recipe.companion_of or recipe.name
    return f"FFL_{SAME_REPOSITORY.get(target, target).replace('-', '_').upper()}"


@pytest.mark.upstream
def test_a_real_clone_is_patched_and_comes_back(recipe: Recipe, tmp_path: Path) -> None:
    original = os.environ.get(variable(recipe))
    if original is None:
        pytest.skip(f"{variable(recipe)} does not name a clone")
    copy = tmp_path / "a clone"
    shutil.copytree(original, copy, symlinks=True)
    first = recipe.files[0].path
    clone = copy / find_files(Clone(copy), recipe)[first][: -len(first)]  # EG3D's is below the repository.
    paths = [clone / file.path for file in recipe.files]
    modes = [stat.S_IMODE(path.stat().st_mode) for path in paths]
    before = [path.read_bytes() for path in paths]

    assert {file.version for file in status(recipe, clone).files} != {None}
    plan_apply(recipe, clone).write()
    assert status(recipe, clone).state == "applied"
    assert plan_apply(recipe, clone).changes == ()
    assert _changed(clone) == sorted(path.relative_to(copy).as_posix() for path in paths)
    plan_revert(recipe, clone).write()
    assert [path.read_bytes() for path in paths] == before
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == modes
    assert _changed(clone) == []


def _changed(clone: Path) -> list[str]:
    command = ["git", "-C", str(clone), "status", "--porcelain"]
    return [
        line[3:]
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    ]


@pytest.mark.upstream
def test_under_two_patches_the_version_is_still_known(tmp_path: Path) -> None:
    original = os.environ.get("FFL_STYLEGAN2_ADA")
    if original is None:
        pytest.skip("FFL_STYLEGAN2_ADA does not name a clone")
    clone = Path(shutil.copytree(original, tmp_path / "clone", symlinks=True))
    recipes = [all_recipes()[name] for name in ("stylegan2-ada", "torch2")]
    plan_apply(recipes[0], clone, recipes[1]).write()
    for recipe in recipes:
        found = status(recipe, clone, recipes)
        assert found.state == "applied"
        assert None not in {file.version for file in found.files}
