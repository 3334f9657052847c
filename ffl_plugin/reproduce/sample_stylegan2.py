"""Sample the last snapshot of StyleGAN2-ADA runs, by the clone's generate.py in the current folder.

python -m ffl_plugin.reproduce.sample_stylegan2 RUNS --outdir=samples --seeds=0-255
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def main() -> None:
    """Find the snapshot below the first argument, and pass the other arguments to the clone."""
    runs, *options = sys.argv[1:]
    snapshots = sorted(Path(runs).glob("*/network-snapshot-*.pkl"))
    if not snapshots:
        raise SystemExit(f"{runs} contains no run with a network-snapshot-*.pkl")
    sys.path.insert(0, "")
    sys.argv = ["generate.py", f"--network={snapshots[-1]}", *options]
    runpy.run_path("generate.py", run_name="__main__")


if __name__ == "__main__":
    main()
