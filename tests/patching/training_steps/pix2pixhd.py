"""A step of the look-alike of pix2pixhd, by its own train.py."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from training_steps._models import stand_ins
from training_steps._parts import Step, images, module


class BaseModel(torch.nn.Module):
    def initialize(self, opt: Any) -> None:
        self.opt, self.isTrain = opt, True


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    stand_ins(clone, patch, 3)
    module(patch, "models.base_model", BaseModel=BaseModel)
    module(patch, "options", clone / "options")
    made: list[Any] = []
    shown: dict[str, float] = {}

    def create_model(opt: Any) -> Any:
        made.append(importlib.import_module("models.pix2pixHD_model").Pix2PixHDModel())
        made[0].initialize(opt)
        return torch.nn.DataParallel(made[0])

    data = [{"label": images(), "image": images()}]
    module(patch, "models.models", create_model=create_model)
    module(patch, "data", clone / "data")
    module(patch, "data.data_loader", CreateDataLoader=lambda opt: data)
    show = SimpleNamespace(print_current_errors=lambda epoch, losses: shown.update(losses))
    module(patch, "util", clone / "util").visualizer = show  # type: ignore[attr-defined]
    module(patch, "util.visualizer", **vars(show))
    patch.setattr(sys, "argv", ["train.py", "--checkpoints_dir", str(clone.parent / "runs"), *flags])
    importlib.import_module("train")
    return Step([parameter.grad for parameter in made[0].netG.parameters()], list(shown))
