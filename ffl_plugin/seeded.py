"""Run a training script with all randomness seeded: python -m ffl_plugin.seeded SEED train.py …

Upstreams such as pix2pix and SPADE take no seed. A single thread fixes the order of summation, so the same
seed gives the same numbers on a CPU under any load. It also makes torchvision importable beside a CPU-only
torch.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import runpy
import sys
from pathlib import Path

import numpy as np
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.torchvision_operators import import_torchvision


def main() -> None:
    """Seed Python, NumPy and torch, then run the script as ``__main__``."""
    parser = argparse.ArgumentParser(prog="python -m ffl_plugin.seeded", description="Run a script seeded.")
    parser.add_argument("seed", metavar="SEED", type=_seed, help="an integer from 0 to 4294967295")
    parser.add_argument("script", metavar="SCRIPT", type=_script, help="such as train.py")
    parser.add_argument("rest", metavar="...", nargs=argparse.REMAINDER, help="arguments of the script")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    np.random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    with contextlib.suppress(FFLError):  # not installed: not every repository needs it
        import_torchvision()
    sys.argv = [str(arguments.script), *arguments.rest]
    sys.path.insert(0, str(arguments.script.resolve().parent))  # as Python does for a script
    runpy.run_path(str(arguments.script), run_name="__main__")


def _seed(text: str) -> int:
    seed = int(text) if text.isdecimal() else -1
    if not 0 <= seed < 2**32:  # NumPy's range
        raise argparse.ArgumentTypeError(f"{text} is not an integer from 0 to {2**32 - 1}")
    return seed


def _script(text: str) -> Path:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"{text} is not a file")
    return Path(text)


if __name__ == "__main__":
    main()
