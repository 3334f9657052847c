"""What the steps of several look-alikes are made of."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

BATCH, SIZE = 4, 8
Gradients = list[torch.Tensor]


class Step:
    """What a step gave.

    Args:
        gradients: of every parameter of the generators.
        shown: the names of the losses that a training prints.
    """

    def __init__(self, gradients: Gradients, shown: Sequence[str]) -> None:
        self.gradients = gradients
        self.shown = list(shown)


def module(patch: pytest.MonkeyPatch, name: str, folder: Path | None = None, **members: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(members)
    if folder is not None:
        made.__path__ = [str(folder)]
    patch.setitem(sys.modules, name, made)
    return made


class EasyDict(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return self[name]

    __setattr__ = dict.__setitem__


def images() -> torch.Tensor:
    return torch.rand(BATCH, 3, SIZE, SIZE) * 2 - 1


class BaseModel:
    def __init__(self, opt: Any) -> None:
        self.opt, self.isTrain, self.device = opt, True, torch.device("cpu")
        self.history: dict[str, list[float]] = {}


class GANLoss:
    def __init__(self, mode: str) -> None:
        self.mode = mode

    def __call__(self, judged: torch.Tensor, real: bool) -> torch.Tensor:
        return (judged - float(real)).square().mean()


def parsed(parser: argparse.ArgumentParser, flags: list[str], clone: Path) -> argparse.Namespace:
    more = {"gan_mode": "vanilla", "short_names": False, "isTrain": True, "name": "run"}
    return argparse.Namespace(
        **vars(parser.parse_args(flags)), **more, checkpoints_dir=str(clone.parent / "runs")
    )
