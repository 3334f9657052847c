"""Opt-in: copies of real upstream clones, named by environment variables, come back byte for byte."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply, plan_revert, status

VARIABLES = {
    "stylegan2-ada": "FFL_STYLEGAN2_ADA",
    "stylegan3": "FFL_STYLEGAN3",
    "pix2pix": "FFL_PIX2PIX",
    "cyclegan": "FFL_PIX2PIX",
    "spade": "FFL_SPADE",
    "torch2": "FFL_STYLEGAN2_ADA",
    "torch2-stylegan3": "FFL_STYLEGAN3",
    "eg3d": "FFL_EG3D",
    "torch2-eg3d": "FFL_EG3D",
    "projected-gan": "FFL_PROJECTED_GAN",
    "torch2-projected-gan": "FFL_PROJECTED_GAN",
}


@pytest.mark.upstream
@pytest.mark.parametrize("target", VARIABLES)
def test_a_real_clone_is_patched_and_comes_back(target: str, tmp_path: Path) -> None:
    original = os.environ.get(VARIABLES[target])
    if original is None:
        pytest.skip(f"{VARIABLES[target]} does not name a clone")
    copy = tmp_path / "a clone"
    shutil.copytree(original, copy, symlinks=True)
    clone = copy / "eg3d" if target.endswith("eg3d") else copy
    recipe = all_recipes()[target]
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
