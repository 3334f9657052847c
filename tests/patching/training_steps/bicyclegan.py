"""A step of the look-alike of bicyclegan."""

from __future__ import annotations

from pathlib import Path

import pytest

from training_steps._models import model_step
from training_steps._parts import Step


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    return model_step(clone, flags, patch, "BiCycleGANModel", lambda model: model.backward_EG())
