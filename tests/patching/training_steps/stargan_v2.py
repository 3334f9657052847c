"""A step of the look-alike of stargan-v2, by its own main.py: both generator steps of an iteration."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from training_steps._parts import SIZE, Gradients, Step, images, module


class Generator(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.style = torch.nn.Linear(3, 3)

    def forward(self, x: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.convolution(x) + self.style(s)[:, :, None, None])


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    taken: Gradients = []

    class Adam:
        """Takes the gradients, and no step: the second has the weights of the first."""

        def __init__(self, parameters: Iterable[torch.nn.Parameter]) -> None:
            self.parameters = list(parameters)

        def zero_grad(self) -> None:
            for parameter in self.parameters:
                parameter.grad = None

        def step(self) -> None:
            taken.extend(
                parameter.grad.clone() for parameter in self.parameters if parameter.grad is not None
            )

    nets = SimpleNamespace(
        generator=Generator(),
        mapping_network=torch.nn.Linear(3, 3),
        style_encoder=torch.nn.Sequential(torch.nn.AvgPool2d(SIZE), torch.nn.Flatten()),
        discriminator=torch.nn.Conv2d(3, 1, 3),
    )
    module(patch, "core", clone / "core")
    module(patch, "core.model", build_model=lambda args: nets, images=images)
    patch.setattr(torch.optim, "Adam", Adam)
    runs = str(clone.parent / "runs")
    patch.setattr(sys, "argv", ["main.py", "--mode", "train", "--checkpoint_dir", runs, *flags])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runpy.run_path(str(clone / "main.py"), run_name="__main__")
    return Step(taken, re.findall(r"(\S+): \[", printed.getvalue()))
