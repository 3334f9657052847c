"""Copies of real clones, patched by the command line as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent


class Clone:
    """A copy of a real clone, of which the test may do what it likes."""

    def __init__(self, target: str, folder: Path) -> None:
        self.target = target
        self.folder = folder

    def ffl_patch(self, command: str) -> str:
        main = "import sys; from ffl_plugin.cli import main; main(sys.argv[1:])"
        return self.run("-c", main, command, self.target, str(self.folder)).stdout

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments in the clone; fail with its output unless it exits so."""
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        result = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert result.returncode == expect, f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
        return result

    def seeded(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a script that needs torchvision, which a CPU-only torch imports with our help alone."""
        return self.run("-m", "ffl_plugin.seeded", "0", *arguments, expect=expect)

    def script(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts beside this file in the clone."""
        return self.seeded(str(HERE / name), *arguments)

    def status(self) -> str:
        """What git sees as changed."""
        command = ["git", "-c", "core.fileMode=true", "status", "--porcelain"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout


CloneOf = Callable[[str, str], Clone]
