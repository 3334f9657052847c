"""A step of a loss with phases behind a launcher, as NVIDIA's repositories have them."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
import torch

from training_steps._parts import BATCH, SIZE, EasyDict, Step, images, module


class Generator(torch.nn.Module):
    def __init__(self, outputs: str) -> None:
        super().__init__()
        self.mapping_weight = torch.nn.Parameter(torch.randn(3, 3))
        self.synthesis_weight = torch.nn.Parameter(torch.randn(3, 3 * SIZE * SIZE))
        self.outputs = outputs

    def mapping(self, z: torch.Tensor, c: object) -> torch.Tensor:
        return z @ self.mapping_weight

    def synthesis(self, latents: torch.Tensor, *others: object) -> Any:
        image = torch.tanh(latents @ self.synthesis_weight).reshape(-1, 3, SIZE, SIZE)
        return {"image": image, "image_raw": image[..., ::2, ::2]} if self.outputs == "dict" else image

    def forward(self, z: torch.Tensor, c: object) -> Any:
        return self.synthesis(self.mapping(z, c))


def take(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    shown: list[str] = []
    trained: dict[str, Any] = {}
    module(patch, "dnnlib", EasyDict=EasyDict)
    training_stats = module(
        patch, "torch_utils.training_stats", report=lambda name, value: shown.append(name)
    )
    module(patch, "torch_utils", clone / "torch_utils", training_stats=training_stats)
    loop = module(patch, "training.training_loop", training_loop=lambda **kwargs: trained.update(kwargs))
    module(patch, "training", clone / "training", training_loop=loop)
    launcher = importlib.import_module("train")
    usual = {"--outdir": str(clone.parent / "runs"), "--data": "images", "--batch": "4"}
    usual.update({"--gamma": "1", "--preset": "small"})
    known = {option for parameter in launcher.main.params for option in parameter.opts}
    line = [part for name, value in usual.items() if name in known for part in (name, value)]
    launcher.main.main([*line, *flags], standalone_mode=False)

    arguments = dict(trained["loss_kwargs"])
    kind = getattr(importlib.import_module("training.loss"), arguments.pop("class_name").rpartition(".")[2])
    eg3d = "neural_rendering_resolution" in inspect.signature(kind).parameters
    generator = Generator("dict" if eg3d else "tensor")
    judge = torch.nn.Conv2d(3, 1, 3)
    parts = {
        "device": torch.device("cpu"),
        "G": generator,
        "G_mapping": generator.mapping,
        "G_synthesis": generator.synthesis,
        "G_ema": generator,
        "D": lambda image, c: [judge(image)] if "Projected" in kind.__name__ else judge(image),
    }
    if "G_ema" in inspect.signature(kind).parameters:
        arguments["classifiers"] = {"small": judge}
    if eg3d:
        arguments["neural_rendering_resolution"] = SIZE // 2
        patch.setattr(kind, "run_D", lambda self, image, c: judge(image["image"]))
    given = {name: part for name, part in parts.items() if name in inspect.signature(kind).parameters}
    loss = kind(**given, **arguments)
    values = {
        "phase": "G" if "R3GAN" in kind.__name__ else "Gmain",
        "real_img": images(),
        "gen_z": torch.randn(BATCH, 3),
        "real_c": None,
        "gen_c": None,
        "sync": True,
        "gain": 1.0,
        "gamma": 1.0,
        "cur_nimg": 0,
    }
    step = {name: values[name] for name in inspect.signature(loss.accumulate_gradients).parameters}
    loss.accumulate_gradients(**step)
    return Step([p.grad for p in generator.parameters()], shown)
