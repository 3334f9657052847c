"""pix2pixHD's train.py starts on today's Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply

FIXTURES = Path(__file__).parents[1] / "fixtures"


def test_the_common_multiple_is_there_again(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(FIXTURES / "torch2-pix2pixhd", clone)

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "train.py"]
        return subprocess.run(command, cwd=clone, capture_output=True, text=True)

    assert "gcd" in run().stderr
    plan_apply(all_recipes()["torch2-pix2pixhd"], clone).write()
    assert run().stdout == "12.0\n"
