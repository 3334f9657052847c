"""A step of the look-alike of bicyclegan."""

from __future__ import annotations

from pathlib import Path

import pytest

from look_alikes._models import model_step
from look_alikes._parts import Step


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    return model_step(clone, flags, patch, "BiCycleGANModel", lambda model: model.backward_EG())
