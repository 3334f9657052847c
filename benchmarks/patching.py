"""How fast and how light patching is: ``python benchmarks/patching.py CLONE [--target stylegan2-ada]``.

Each command runs in a process of its own on a copy of the clone; the table shows medians of CPU time, wall
time and the largest resident set, beside those of a Python that does nothing, in the same run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOTHING = ["-c", "pass"]
FFL_PATCH = ["-c", "from ffl_plugin.cli import main; main()"]


def measure(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Run a Python command once; return CPU seconds, wall seconds and peak resident MB (2**20 bytes)."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * kilobyte / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clone", type=Path)
    parser.add_argument("--target", default="stylegan2-ada")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    trip = {
        "Python alone": NOTHING,
        "ffl-patch --help": [*FFL_PATCH, "--help"],
        "ffl-patch list": [*FFL_PATCH, "list"],
        "ffl-patch apply auto": [*FFL_PATCH, "apply", "auto", "--dry-run"],
        "ffl-patch apply": [*FFL_PATCH, "apply", options.target],
        "ffl-patch apply, again": [*FFL_PATCH, "apply", options.target],
        "ffl-patch status": [*FFL_PATCH, "status"],
        "ffl-patch diff": [*FFL_PATCH, "diff"],
        "ffl-patch revert": [*FFL_PATCH, "revert"],
    }
    results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in trip}
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        shutil.copytree(options.clone, clone, symlinks=True)
        for _ in range(options.repeats):
            for name, command in trip.items():
                results[name].append(measure(command, clone))
    print(f"{'median of ' + str(options.repeats):<24} {'CPU s':>8} {'wall s':>8} {'MB':>8}")
    for name, runs in results.items():
        cpu, wall, memory = (statistics.median(column) for column in zip(*runs))
        print(f"{name:<24} {cpu:8.3f} {wall:8.3f} {memory:8.1f}")


if __name__ == "__main__":
    main()
