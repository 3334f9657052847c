"""The form of the scripts in findings/, which CI does not run: findings/README.md."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))


def test_every_script_has_its_row_and_every_row_its_script() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", (FOLDER / "README.md").read_text("utf-8"), re.M)
    assert sorted(rows) == sorted(script.name for script in SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_says_what_it_shows_cleans_up_and_goes_without_our_code(script: Path) -> None:
    text = script.read_text("utf-8")
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "set -euo pipefail\n" in text and "folder=$(mktemp -d)" in text
    assert """trap 'rm -rf "$folder"' EXIT""" in text
    assert "ffl_plugin" not in text
    if (bash := shutil.which("bash")) is not None:
        assert subprocess.run([bash, "-n", str(script)], capture_output=True).returncode == 0
