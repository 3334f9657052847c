"""One step of a train.py like that of rosinality's StyleGAN2 with tiny networks, once per given weight.

A job is a JSON object on standard input: ``root`` (the folder of the script), ``script`` (its name),
``integration`` (empty for the unpatched tree), ``weights``, ``arguments`` (more for the command line) and
``results`` (the file to write). The script runs from its options to the first step of the generator, on the
CPU, with networks and photographs of ours.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import io
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Optional

import torch
import worker_common
from worker_image_to_image import leave_out_unknown

BATCH, SIZE, W = 2, 16, 8


class StepTaken(Exception):
    """What was to be seen was seen."""


class Generator(torch.nn.Module):
    """Latents to images (N, 3, SIZE, SIZE) in (-1, 1), and the latents if asked for."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.mapping = torch.nn.Parameter(torch.randn(latent, W) / latent**0.5)
        self.weight = torch.nn.Parameter(torch.randn(W, 3 * SIZE * SIZE) / W**0.5)
        self.noise: Sequence[torch.Tensor] = ()

    def forward(self, *inputs: Any, **keywords: Any) -> tuple[torch.Tensor, Optional[torch.Tensor]]:
        """Generate from the list of latents among the inputs."""
        self.noise = next(each for each in inputs if isinstance(each, (list, tuple)))
        latents = (torch.stack([*self.noise]).mean(0) @ self.mapping)[:, None]
        images = torch.tanh(latents @ self.weight).reshape(-1, 3, SIZE, SIZE)
        return images, latents if keywords.get("return_latents") else None


class Discriminator(torch.nn.Module):
    """Images to logits (N, 1)."""

    def __init__(self, *others: Any, **keywords: Any) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 8, 3)

    def forward(self, image: torch.Tensor, *others: Any, **keywords: Any) -> torch.Tensor:
        """Judge."""
        return self.convolution(image).mean(dim=(1, 2, 3))[:, None]


class Training:
    """What a script is given and what it does with it."""

    def __init__(self) -> None:
        self.generators: list[Generator] = []
        self.real = torch.rand(BATCH, 3, SIZE, SIZE) * 2 - 1
        self.gradients: dict[str, torch.Tensor] = {}
        self.expected: dict[str, torch.Tensor] = {}
        self.reports: dict[str, torch.Tensor] = {}

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yield the photographs, as a loader that never ends."""
        while True:
            yield self.real.clone()

    def generator(self, *arguments: Any, **keywords: Any) -> Generator:
        """Make one of the networks, of which the first is trained."""
        self.generators.append(Generator(keywords["style_dim"] if "style_dim" in keywords else arguments[1]))
        return self.generators[-1]

    def step(self, optimizer: Any) -> None:
        """Stand for an optimizer's step: see what the generator would learn from."""
        trained = self.generators[0]
        if self.gradients or not any(trained.weight is each for each in optimizer.param_groups[0]["params"]):
            return
        self.gradients = worker_common.gradients(trained)
        worker_common.clear(trained)
        from ffl_plugin.loss import focal_frequency_loss

        images, _ = trained(trained.noise)
        focal_frequency_loss(images, self.real, spectrum="batch").backward()
        self.expected = worker_common.gradients(trained)
        worker_common.clear(trained)

    def losses(self, named: dict[str, torch.Tensor]) -> None:
        """Stand for upstream's average over the processes, which comes after all steps of an iteration."""
        self.reports = {name: torch.as_tensor(value).detach().mean() for name, value in named.items()}
        raise StepTaken


def main() -> None:
    """Run the job."""
    job = worker_common.begin()
    argparse.ArgumentParser.parse_args = leave_out_unknown  # type: ignore[method-assign]
    torch.set_default_dtype(torch.float64)
    sys.modules["lmdb"] = worker_common.stand_in("lmdb")
    compiling: Any = importlib.import_module("torch.utils.cpp_extension")
    compiling.load = worker_common.stand_in("kernels")

    def run() -> list[dict[str, Any]]:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return [step(job, weight) for weight in job["weights"]]

    worker_common.finish(job, *worker_common.with_stand_ins(run))


def step(job: dict[str, Any], weight: Optional[float]) -> dict[str, Any]:
    """Run the script until the losses of its first iteration are averaged."""
    torch.manual_seed(0)
    random.seed(0)
    training = Training()
    replace: dict[str, dict[str, Any]] = {
        "model": {"Generator": training.generator, "Discriminator": Discriminator},
        "distributed": {"reduce_loss_dict": training.losses},
        "torch.optim": {"Adam": adam(training)},
        "torch.utils.data": {"DataLoader": lambda *_, **__: training},
    }
    for name, members in replace.items():
        vars(importlib.import_module(name)).update(members)
    sys.argv = [job["script"], "images", "--size", str(SIZE), "--batch", str(BATCH), "--iter", "2"]
    sys.argv += ["--n_sample", "1", *job["arguments"]]
    if weight is not None and job["integration"]:
        sys.argv += ["--ffl-weight", str(weight), "--ffl-spectrum", "batch"]
    with contextlib.suppress(StepTaken):
        exec(
            compile(on_the_cpu(Path(job["root"], job["script"])), job["script"], "exec"),
            {"__name__": "__main__", "__file__": job["script"]},
        )
    return {
        "gradients": training.gradients,
        "reports": training.reports,
        "expected": training.expected if weight else {},
        "gain": 1.0,
    }


def adam(training: Training) -> type[torch.optim.Optimizer]:
    """An optimizer that takes no step."""

    class Adam(torch.optim.Optimizer):
        def __init__(self, params: Any, **keywords: Any) -> None:
            super().__init__(params, {})

        def step(self, closure: Any = None) -> None:
            training.step(self)

    return Adam


def on_the_cpu(script: Path) -> ast.Module:
    """The code of a script that asks for CUDA, on a machine without."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("cuda"):
            node.value = "cpu"
    return tree


if __name__ == "__main__":
    worker_common.run(main)
