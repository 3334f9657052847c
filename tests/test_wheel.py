"""The wheel, in an environment with click alone: patching a clone needs nothing heavier."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, PROJECT]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_recipes_integrations_and_demo_are_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for room, inside in (("patches", "patches"), ("integrations", "integrations")):
        expected = {f"ffl_plugin/{inside}/{path.name}" for path in (PROJECT / room).glob("*.py")}
        assert expected <= names
    demo = PROJECT / "ffl_plugin" / "demo" / "repository"
    expected = {
        path.relative_to(PROJECT).as_posix()
        for path in demo.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "ffl_plugin/demo/repository/train.py" in expected
    assert expected <= names
    assert "ffl_plugin/py.typed" in names
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"ffl_plugin"}


def test_the_wheel_patches_a_clone_with_click_alone(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    install = [scripts / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "click"], check=True, capture_output=True)
    subprocess.run([*install, "--no-deps", wheel], check=True, capture_output=True)
    clone = tmp_path / "clone"
    with zipfile.ZipFile(wheel) as archive:
        prefix = "ffl_plugin/demo/repository/"
        for name in archive.namelist():
            if name.startswith(prefix):
                path = clone / name[len(prefix) :]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))
    before = {path: path.read_bytes() for path in clone.rglob("*.py")}

    def ffl_patch(*arguments: str) -> str:
        done = subprocess.run([scripts / "ffl-patch", *arguments], capture_output=True, text=True, cwd=clone)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "pix2pix" in ffl_patch("list")
    ffl_patch("apply", "pix2pix")
    assert "ffl" in (clone / "models" / "pix2pix_model.py").read_text(encoding="utf-8")
    ffl_patch("revert")
    assert {path: path.read_bytes() for path in clone.rglob("*.py")} == before
