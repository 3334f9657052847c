"""Training steps of the look-alikes, from the flags on the command line to the generator's gradients."""

from __future__ import annotations

import argparse
import importlib
import inspect
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


def train_a_step(clone: Path, flags: Sequence[str]) -> Step:
    """Take a generator step in a clone of a look-alike, from the same seed, with flags of its launcher."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in sys.modules if name.partition(".")[0] in STAND_INS]:
            patch.delitem(sys.modules, name)
        patch.setattr(sys, "path", [str(clone), *sys.path])
        importlib.invalidate_caches()
        torch.manual_seed(0)
        step = _styleganlike if (clone / "train.py").exists() else _pix2pixlike
        try:
            return step(clone, list(flags), patch)
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] in STAND_INS]:
                del sys.modules[name]


STAND_INS = ("models", "options", "training", "train", "dnnlib", "torch_utils")


def _module(patch: pytest.MonkeyPatch, name: str, folder: Path | None = None, **members: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    if folder is not None:
        module.__path__ = [str(folder)]
    patch.setitem(sys.modules, name, module)
    return module


class EasyDict(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return self[name]

    __setattr__ = dict.__setitem__


def _images() -> torch.Tensor:
    return torch.rand(BATCH, 3, SIZE, SIZE) * 2 - 1


# pix2pix and its kin: a model with options of its own.


class BaseModel:
    def __init__(self, opt: Any) -> None:
        self.opt, self.isTrain, self.device = opt, True, torch.device("cpu")
        self.history: dict[str, list[float]] = {}


class GANLoss:
    def __init__(self, mode: str) -> None:
        self.mode = mode

    def __call__(self, judged: torch.Tensor, real: bool) -> torch.Tensor:
        return (judged - float(real)).square().mean()


def _pix2pixlike(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    paired = (clone / "models" / "pix2pix_model.py").exists() and not (clone / "options").exists()
    networks = {
        "define_G": lambda opt: torch.nn.Conv2d(3, 3, 3, padding=1),
        "define_D": lambda opt: torch.nn.Conv2d(6 if paired else 3, 1, 3),
        "GANLoss": GANLoss,
    }
    models = _module(patch, "models", clone / "models")
    models.networks = _module(patch, "models.networks", **networks)  # type: ignore[attr-defined]
    _module(patch, "models.base_model", BaseModel=BaseModel)
    if (clone / "options").exists():
        return _spade(clone, flags, patch)
    (path,) = (clone / "models").glob("*_model.py")
    module = importlib.import_module(f"models.{path.stem}")
    (kind,) = [value for name, value in vars(module).items() if name in ("Pix2PixModel", "CycleGANModel")]
    opt = _opt(kind.modify_commandline_options(argparse.ArgumentParser(), True), flags, clone)
    model = kind(opt)
    model.criterionGAN = GANLoss("vanilla")
    model.set_input({"A": _images(), "B": _images()})
    model.forward()
    model.backward_G()
    networks_g = [value for name, value in sorted(vars(model).items()) if name.startswith("netG")]
    shown = [name for name in model.loss_names if hasattr(model, f"loss_{name}")]
    return Step([p.grad for network in networks_g for p in network.parameters()], shown)


def _spade(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    _module(patch, "options", clone / "options")
    _module(
        patch, "options.base_options", BaseOptions=type("BaseOptions", (), {"initialize": lambda *_: None})
    )
    options = importlib.import_module("options.train_options")
    opt = _opt(options.TrainOptions().initialize(argparse.ArgumentParser()), flags, clone)
    model = importlib.import_module("models.pix2pix_model").Pix2PixModel(opt)
    losses, _ = model({"label": _images(), "image": _images()}, "generator")
    sum(losses.values()).backward()
    return Step([p.grad for p in model.netG.parameters()], losses)


def _opt(parser: argparse.ArgumentParser, flags: list[str], clone: Path) -> argparse.Namespace:
    more = {"gan_mode": "vanilla", "short_names": False, "isTrain": True, "name": "run"}
    return argparse.Namespace(
        **vars(parser.parse_args(flags)), **more, checkpoints_dir=str(clone.parent / "runs")
    )


# StyleGAN and its kin: a launcher, and a loss with phases.


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


def _styleganlike(clone: Path, flags: list[str], patch: pytest.MonkeyPatch) -> Step:
    shown: list[str] = []
    trained: dict[str, Any] = {}
    _module(patch, "dnnlib", EasyDict=EasyDict)
    training_stats = _module(
        patch, "torch_utils.training_stats", report=lambda name, value: shown.append(name)
    )
    _module(patch, "torch_utils", clone / "torch_utils", training_stats=training_stats)
    loop = _module(patch, "training.training_loop", training_loop=lambda **kwargs: trained.update(kwargs))
    _module(patch, "training", clone / "training", training_loop=loop)
    launcher = importlib.import_module("train")
    usual = {"--outdir": str(clone.parent / "runs"), "--data": "images", "--batch": "4", "--gamma": "1"}
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
        "phase": "Gmain",
        "real_img": _images(),
        "gen_z": torch.randn(BATCH, 3),
        "real_c": None,
        "gen_c": None,
        "sync": True,
        "gain": 1.0,
        "cur_nimg": 0,
    }
    step = {name: values[name] for name in inspect.signature(loss.accumulate_gradients).parameters}
    loss.accumulate_gradients(**step)
    return Step([p.grad for p in generator.parameters()], shown)
