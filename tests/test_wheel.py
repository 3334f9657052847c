"""The wheel, in an environment with click alone: patching a clone needs nothing heavier."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import click
import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy, in which no earlier build has left anything."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder)
    for name in ("ffl_plugin", "patches", "integrations"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    # A setuptools that builds wheels, as torch's requirements bring one, spares the way to the index.
    here = int(metadata.version("setuptools").partition(".")[0]) > 70
    offline = ["--no-index", "--no-build-isolation"] if here else []
    pip(Path(sys.executable), "wheel", "--no-deps", *offline, "--wheel-dir", folder, folder)
    return next(folder.glob("*.whl"))


def pip(python: Path, command: str, *arguments: str | Path) -> None:
    words = [python, "-m", "pip", command, "--quiet", *arguments]
    done = subprocess.run(words, env=surroundings(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def surroundings() -> dict[str, str]:
    """The environment without what would show other libraries to Python, or have pip install elsewhere."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
    return {name: value for name, value in os.environ.items() if name not in hidden}


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
    stubs = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "ffl_plugin").rglob("*.pyi")}
    assert stubs and stubs <= names
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"ffl_plugin"}


def test_the_wheel_patches_a_clone_with_click_alone(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    pip(scripts / "python", "install", "--no-index", "--no-deps", wheel)
    ask = [scripts / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    libraries = subprocess.check_output(ask, env=surroundings(), text=True).strip()
    shutil.copytree(Path(click.__file__).parent, Path(libraries, "click"))
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
        done = subprocess.run(
            [scripts / "ffl-patch", *arguments], env=surroundings(), capture_output=True, text=True, cwd=clone
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "pix2pix" in ffl_patch("list")
    ffl_patch("apply", "pix2pix")
    assert "ffl" in (clone / "models" / "pix2pix_model.py").read_text(encoding="utf-8")
    ffl_patch("revert")
    assert {path: path.read_bytes() for path in clone.rglob("*.py")} == before
