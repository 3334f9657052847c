"""Training steps of the look-alikes, from the flags on the command line to the generator's gradients.

Each target has a module here, of its name with underscores, with ``take(clone, flags, patch) -> Step``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from training_steps._parts import Step

__all__ = ["Step", "train_a_step"]


def train_a_step(clone: Path, flags: Sequence[str]) -> Step:
    """Take a generator step in the clone of a look-alike, from the same seed, with flags of its launcher."""
    take = importlib.import_module(f"training_steps.{clone.name.replace('-', '_')}").take
    its_own = {path.stem for path in clone.iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        for name in _below(its_own):
            patch.delitem(sys.modules, name)
        patch.setattr(sys, "path", [str(clone), *sys.path])
        importlib.invalidate_caches()
        torch.manual_seed(0)
        try:
            step: Step = take(clone, list(flags), patch)
        finally:
            for name in _below(its_own):
                del sys.modules[name]
    return step


def _below(packages: set[str]) -> list[str]:
    """The modules that are imported from some packages."""
    return [name for name in sys.modules if name.partition(".")[0] in packages]
