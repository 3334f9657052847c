"""A step of the look-alike of SPADE."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import pytest

from training_steps._models import stand_ins
from training_steps._parts import Step, images, module, parsed


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    stand_ins(clone, patch, 3)
    module(patch, "options", clone / "options")
    module(
        patch, "options.base_options", BaseOptions=type("BaseOptions", (), {"initialize": lambda *_: None})
    )
    options = importlib.import_module("options.train_options")
    opt = parsed(options.TrainOptions().initialize(argparse.ArgumentParser()), flags, clone)
    model = importlib.import_module("models.pix2pix_model").Pix2PixModel(opt)
    losses, _ = model({"label": images(), "image": images()}, "generator")
    sum(losses.values()).backward()
    return Step([p.grad for p in model.netG.parameters()], losses)
