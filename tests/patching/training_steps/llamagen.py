"""A step of the look-alike of llamagen, by its own vq_train.py: of the generator, then of the discriminator."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from training_steps._parts import Gradients, Step, images, module


class Tokenizer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.decoder = torch.nn.Conv2d(3, 3, 3, padding=1)

    @property
    def last_layer(self) -> torch.nn.Parameter:
        return self.decoder.weight

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        return torch.tanh(self.decoder(x)), (torch.zeros(()),)


class Parallel(torch.nn.Module):
    """DistributedDataParallel of one process."""

    def __init__(self, wrapped: torch.nn.Module) -> None:
        super().__init__()
        self.module = wrapped

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        return self.module(*arguments, **keywords)


class Scaler:
    """A gradient scaler of a constant scale, on any device."""

    def __init__(self, enabled: bool) -> None:
        self.factor = 1024.0 if enabled else 1.0

    def scale(self, loss: torch.Tensor) -> torch.Tensor:
        return loss * self.factor

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad /= self.factor
        optimizer.step()

    def update(self) -> None:
        pass


def stand_ins(clone: Path, patch: pytest.MonkeyPatch, batches: Sequence[torch.Tensor]) -> list[str]:
    """Put stand-ins in place of what the look-alike imports and lacks; return the lines that it will log."""
    lines: list[str] = []
    logger = SimpleNamespace(info=lines.append)
    for name in ("tokenizer", "dataset", "utils"):
        module(patch, name, clone / name)
    module(patch, "tokenizer.tokenizer_image", clone / "tokenizer" / "tokenizer_image")
    module(patch, "tokenizer.tokenizer_image.vq_model", VQ_models={"VQ-16": Tokenizer})
    module(
        patch,
        "tokenizer.tokenizer_image.discriminator_patchgan",
        NLayerDiscriminator=lambda: torch.nn.Conv2d(3, 1, 3),
    )
    module(patch, "dataset.build", build_loader=lambda args: [(batch, None) for batch in batches])
    module(patch, "utils.logger", create_logger=lambda folder: logger)
    patch.setattr(torch.nn.parallel, "DistributedDataParallel", Parallel)
    patch.setattr(torch.cuda.amp, "GradScaler", Scaler)
    return lines


def run(clone: Path, patch: pytest.MonkeyPatch, flags: list[str]) -> None:
    """Run the look-alike's script; its checkpoints go to ``runs`` beside the clone."""
    sys.modules.pop("tokenizer.tokenizer_image.vq_loss", None)
    runs = clone.parent / "runs"
    runs.mkdir(exist_ok=True)
    patch.setattr(sys, "argv", ["vq_train.py", "--results-dir", str(runs), *flags])
    runpy.run_path(str(clone / "tokenizer" / "tokenizer_image" / "vq_train.py"), run_name="__main__")


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    taken: Gradients = []
    lines = stand_ins(clone, patch, [images()])

    class Adam(torch.optim.Adam):
        """Takes the gradients of the first step, the generator's."""

        def step(self, closure: Any = None) -> Any:
            if not taken:
                taken.extend(each.grad.clone() for group in self.param_groups for each in group["params"])
            return super().step(closure)

    patch.setattr(torch.optim, "Adam", Adam)
    run(clone, patch, flags)
    shown = [line for line in lines if line.startswith("(")]
    return Step(taken, re.findall(r"(\w+): ", "\n".join(shown)))
