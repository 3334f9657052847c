"""A step of the look-alike of CUT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from training_steps._models import model_step
from training_steps._parts import Step


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    return model_step(clone, flags, patch, "CUTModel", backward)


def backward(model: Any) -> None:
    model.schedulers = [None]  # the one before the first step has none
    model.compute_G_loss().backward()
