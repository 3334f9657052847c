from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from clones import FIXTURES, MakeClone

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import Recipe


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a test need not survive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(autouse=True)
def nothing_is_collected() -> Iterator[None]:
    """An earlier test's objects take their files away when they are collected: not among the calls counted here."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def make_clone(tmp_path: Path) -> MakeClone:
    """A function that copies the look-alike of a target's upstream into a folder of the test."""

    def make(target: str) -> Path:
        clone = tmp_path / target
        shutil.copytree(FIXTURES / target, clone)
        return clone

    return make


@pytest.fixture(params=sorted(all_recipes()))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return all_recipes()[request.param]


@pytest.fixture
def clone(recipe: Recipe, make_clone: MakeClone) -> Path:
    """The look-alike of one recipe's upstream."""
    return make_clone(recipe.name)
