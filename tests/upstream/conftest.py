from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from real_clone import Clone, CloneOf


@pytest.fixture
def clone_of(tmp_path: Path) -> CloneOf:
    """Copies the clone that an environment variable names, or skips the test."""

    def copy(target: str, variable: str) -> Clone:
        if variable not in os.environ:
            pytest.skip(f"{variable} does not name a clone of {target}")
        folder = tmp_path / "clone"
        shutil.copytree(os.environ[variable], folder, symlinks=True)
        return Clone(target, folder)

    return copy
