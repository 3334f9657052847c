"""Seed the random numbers, run a script: ``python -m ffl_plugin.reproduce.seeded SEED train.py``.

pix2pix and SPADE have no option for a seed. The script runs as by ``python train.py``, in the current folder;
torchvision is made importable beside a CPU-only torch first, because both import it.
"""

from __future__ import annotations

import random
import runpy
import sys
from pathlib import Path

import numpy as np
import torch

from ffl_plugin.metrics.torchvision_operators import import_torchvision


def main(arguments: list[str]) -> None:
    """Seed Python, NumPy and torch, then run the script with the rest of the arguments."""
    seed, script, *rest = arguments
    random.seed(int(seed))
    np.random.seed(int(seed))
    torch.manual_seed(int(seed))
    import_torchvision()
    sys.argv = [script, *rest]
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
