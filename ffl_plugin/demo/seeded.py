"""Run a training script with all randomness seeded: python -m ffl_plugin.demo.seeded SEED train.py …

Upstream's scripts take no seed. One thread keeps sums in one order, so that the same seed gives the same
numbers whatever else the machine does.
"""

from __future__ import annotations

import contextlib
import random
import runpy
import sys

import numpy as np
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.torchvision_operators import import_torchvision


def main() -> None:
    """Seed Python, NumPy and torch, then run the script as if it had been started itself."""
    seed, script = int(sys.argv[1]), sys.argv[2]
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    with contextlib.suppress(FFLError):  # not installed: not every repository asks for it
        import_torchvision()
    sys.argv = sys.argv[2:]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
