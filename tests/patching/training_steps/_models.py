"""A step of a model with options of its own, as pytorch-CycleGAN-and-pix2pix and its relatives have them."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any, Callable

import pytest
import torch

from training_steps._parts import BaseModel, GANLoss, Step, images, module, parsed


def stand_ins(clone: Path, patch: pytest.MonkeyPatch, judged: int) -> None:
    """Put the networks of a clone in place; the discriminator judges so many channels."""
    networks = {
        "define_G": lambda opt: torch.nn.Conv2d(3, 3, 3, padding=1),
        "define_D": lambda opt: torch.nn.Conv2d(judged, 1, 3),
        "GANLoss": GANLoss,
    }
    models = module(patch, "models", clone / "models")
    models.networks = module(patch, "models.networks", **networks)  # type: ignore[attr-defined]
    module(patch, "models.base_model", BaseModel=BaseModel)


def model_step(
    clone: Path,
    flags: list[str],
    patch: pytest.MonkeyPatch,
    kind: str,
    backward: Callable[[Any], None],
    judged: int = 3,
) -> Step:
    """Make the model of a class, and have ``backward`` take its generator's gradient."""
    stand_ins(clone, patch, judged)
    (path,) = (clone / "models").glob("*_model.py")
    made = getattr(importlib.import_module(f"models.{path.stem}"), kind)
    model = made(parsed(made.modify_commandline_options(argparse.ArgumentParser(), True), flags, clone))
    model.criterionGAN = GANLoss("vanilla")
    model.set_input({"A": images(), "B": images()})
    model.forward()
    backward(model)
    networks = [value for name, value in sorted(vars(model).items()) if name.startswith("netG")]
    shown = [name for name in model.loss_names if hasattr(model, f"loss_{name}")]
    return Step([p.grad for network in networks for p in network.parameters()], shown)
