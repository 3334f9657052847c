"""A step of the look-alike of stylegan2-rosinality, by its own train.py."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from training_steps._parts import SIZE, Step, images, module


class Generator(torch.nn.Module):
    def __init__(self, size: int, latent: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(latent, 3 * size * size))

    def forward(self, noise: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        (latents,) = noise
        return torch.tanh(latents @ self.weight).reshape(-1, 3, SIZE, SIZE), latents


class Bar:
    def __init__(self, steps: Iterable[int], initial: int) -> None:
        self.steps = steps

    def __iter__(self) -> Iterator[int]:
        return iter(self.steps)


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    shown = ["d", "g"]
    made: list[Generator] = []

    def generator(size: int, latent: int) -> Generator:
        made.append(Generator(size, latent))
        return made[-1]

    patch.setattr(Bar, "set_description", lambda bar, text: None, raising=False)
    patch.setattr(Bar, "set_postfix", lambda bar, values, refresh: shown.extend(values), raising=False)
    patch.setattr(torch, "save", lambda checkpoint, path: None)
    patch.setattr(torch.optim, "Adam", lambda parameters, **_: SimpleNamespace(step=lambda: None))
    module(patch, "torchvision", utils=module(patch, "torchvision.utils", save_image=lambda *a, **k: None))
    module(patch, "tqdm", tqdm=Bar)
    module(patch, "wandb", run=None)
    module(patch, "dataset", pictures=lambda *_: iter([images()]))
    module(patch, "distributed", get_rank=lambda: 0, reduce_loss_dict=dict)
    module(patch, "non_leaking", augment=lambda pictures, p: (pictures, None))
    module(patch, "model", Generator=generator, Discriminator=lambda size: torch.nn.Conv2d(3, 1, 3))
    patch.setattr(sys, "argv", ["train.py", "lmdb", *flags])
    code = (clone / "train.py").read_text().replace('device = "cuda"', 'device = "cpu"')
    exec(compile(code, "train.py", "exec"), {"__name__": "__main__"})
    return Step([parameter.grad for parameter in made[0].parameters() if parameter.grad is not None], shown)
