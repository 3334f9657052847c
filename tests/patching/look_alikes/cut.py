"""A step of the look-alike of CUT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from look_alikes._models import model_step
from look_alikes._parts import Step


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    return model_step(clone, flags, patch, "CUTModel", backward)


def backward(model: Any) -> None:
    model.schedulers = [None]  # the one before the first step has none
    model.compute_G_loss().backward()
