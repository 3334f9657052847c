"""A step of the look-alike of autoencoder; its options are YAML, in which a flag is a key."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

from training_steps._parts import Step, images


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    options = dict(flag.removeprefix("--ffl-").split("=") for flag in flags)
    params: dict[str, Any] = {"disc_start": 0}
    if options:
        params["ffl_options"] = {name: float(value) for name, value in options.items()}
    module = importlib.import_module("taming.modules.losses.vqperceptual")
    loss = module.VQLPIPSWithDiscriminator(**params)
    decoder = torch.nn.Conv2d(3, 3, 3, padding=1)
    inputs = images()
    value, log = loss(torch.zeros(1), inputs, decoder(inputs), 0, 0, last_layer=decoder.weight)
    value.backward()
    return Step([parameter.grad for parameter in decoder.parameters()], list(log))
