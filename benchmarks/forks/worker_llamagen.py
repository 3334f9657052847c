"""The first step of a script like LlamaGen's vq_train.py with a tiny tokenizer, once per given weight.

A job is a JSON object on standard input: ``root`` (the folder from which the script imports), ``script``
(below it), ``integration`` (empty for the unpatched tree), ``weights``, ``arguments`` (more for the command
line), ``values`` (that a tokenizer returns) and ``results`` (the file to write). The script runs from its
options to the generator's first backward pass, on the CPU, with its own loss, and with a tokenizer, a
discriminator and images of ours.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import io
import logging
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Optional

import torch
import worker_common
from worker_autoencoder import Perceptual
from worker_image_to_image import leave_out_unknown

BATCH, SIZE = 2, 32
MADE: list[torch.nn.Module] = []  # tokenizers of the run
LINE = re.compile(r"([A-Za-z_]+): [-0-9]")


class StepTaken(Exception):
    """What was to be seen was seen."""


class Tokenizer(torch.nn.Module):
    """Images to reconstructions, the losses of a codebook, and nothing more, to so many values in all."""

    def __init__(self, values: int, *arguments: Any, **keywords: Any) -> None:
        super().__init__()
        self.values = values
        self.decoder = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.decoder.last_layer = self.decoder.weight  # type: ignore[assignment]
        MADE.append(self)

    def forward(self, images: torch.Tensor, *others: Any, **keywords: Any) -> tuple[Any, ...]:
        """Return reconstructions and the codebook's losses: of vectors, commitment and entropy; its usage."""
        nothing = images.new_zeros(())
        return self.decoder(images), (nothing, nothing, nothing, 1.0), *[None] * (self.values - 2)


class Judge(torch.nn.Module):
    """A layer in place of a discriminator."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 1, 4, stride=4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return a logit per patch."""
        return self.convolution(images)


class Parallel(torch.nn.Module):
    """DistributedDataParallel of one process."""

    def __init__(self, wrapped: torch.nn.Module, *arguments: Any, **keywords: Any) -> None:
        super().__init__()
        self.module = wrapped

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the wrapped module."""
        return self.module(*arguments, **keywords)


class Images:
    """A data set and its loader, of the same batch for ever."""

    def __init__(self) -> None:
        self.batch = torch.rand(BATCH, 3, SIZE, SIZE) * 2 - 1

    def __len__(self) -> int:
        return 1000

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield self.batch, torch.zeros(BATCH, dtype=torch.long)


def loader_of(images: Images) -> type[Images]:
    """A class that can be inherited from, as libraries do, and whose instances yield the images."""

    class Loader(Images):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            self.batch = images.batch

    return Loader


class Scaler:
    """A gradient scaler whose backward pass is the end of a run."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        pass

    def scale(self, loss: torch.Tensor) -> SimpleNamespace:
        """Return something to backpropagate."""

        def backward() -> None:
            loss.backward()
            raise StepTaken

        return SimpleNamespace(backward=backward)


class Devices(int):
    """A number of GPUs; the rest of a division by it is the CPU."""

    def __rmod__(self, other: int) -> str:  # type: ignore[override]
        return "cpu"


def main() -> None:
    """Run the job."""
    job = worker_common.begin()
    os.chdir(job["root"])  # scripts read configurations from there
    argparse.ArgumentParser.parse_args = leave_out_unknown  # type: ignore[method-assign]
    torch.set_default_dtype(torch.float64)
    lines: list[str] = []
    logging.Logger.info = lambda self, text, *_, **__: lines.append(str(text))  # type: ignore[method-assign]
    pretend_gpus()

    def run() -> list[dict[str, Any]]:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return [step(job, weight, lines) for weight in job["weights"]]

    with tempfile.TemporaryDirectory() as folder:
        store = torch.distributed.FileStore(f"{folder}/store", 1)
        torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
        worker_common.finish(job, *worker_common.with_stand_ins(run))


def pretend_gpus() -> None:
    """Let a script that asks for GPUs stay on the CPU."""
    vars(torch.cuda).update(
        is_available=lambda: True,
        device_count=lambda: Devices(1),
        set_device=lambda device: None,
        synchronize=lambda *_: None,
    )
    vars(torch.cuda.amp).update(autocast=lambda *_, **__: contextlib.nullcontext(), GradScaler=Scaler)
    vars(torch.nn.parallel).update(DistributedDataParallel=Parallel)


def step(job: dict[str, Any], weight: Optional[float], lines: list[str]) -> dict[str, Any]:
    """Run the script until the generator's loss is backpropagated."""
    torch.manual_seed(0)
    images = Images()
    script = Path(job["root"], job["script"])
    torch.utils.data.DataLoader = loader_of(images)  # type: ignore[misc]
    code = ast.parse(script.read_text(encoding="utf-8"))
    stand_in(code, images, job["values"])
    lines.clear()
    MADE.clear()
    with tempfile.TemporaryDirectory() as runs, contextlib.suppress(StepTaken):
        sys.argv = [str(script), "--data-path", "images", "--cloud-save-path", runs, "--results-dir", runs]
        sys.argv += ["--global-batch-size", str(BATCH), "--num-workers", "0", "--log-every", "1"]
        sys.argv += ["--disc-start", "0", *job["arguments"]]
        if weight is not None and job["integration"]:
            sys.argv += ["--ffl-weight", str(weight)]
        exec(compile(code, str(script), "exec"), {"__name__": "__main__", "__file__": str(script)})
    trained = MADE[0]
    found, expected = worker_common.gradients(trained), {}
    worker_common.clear(trained)
    if weight:
        from ffl_plugin.loss import focal_frequency_loss

        focal_frequency_loss(trained(images.batch)[0], images.batch).backward()
        expected = worker_common.gradients(trained)
    names = {name for line in lines if line.startswith("(") for name in LINE.findall(line)}
    reports = dict.fromkeys(names, torch.zeros(()))
    return {"gradients": found, "reports": reports, "expected": expected, "gain": 1.0}


def stand_in(code: ast.Module, images: Images, values: int) -> None:
    """Put what is ours into the modules that a script imports from its repository."""
    tokenizer = partial(Tokenizer, values)
    ours: dict[str, Any] = {
        "VQ_models": defaultdict(lambda: tokenizer),
        "build_dataset": lambda *_, **__: images,
        "init_distributed_mode": lambda args: vars(args).update(gpu=0, rank=0, world_size=1),
    }
    for node in code.body:
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        for name in (alias.name for alias in node.names):
            if name == "VQLoss":
                module: Any = importlib.import_module(node.module)
                module.LPIPS = Perceptual
                judges = [each for each in vars(module) if each.endswith("Discriminator")]
                vars(module).update(dict.fromkeys(judges, Judge))
            elif name == "ImageFolder":  # torchvision's
                module = importlib.import_module(node.module)
                module.ImageFolder = loader_of(images)
            elif name in ours:
                module = sys.modules.setdefault(node.module, ModuleType(node.module))
                setattr(module, name, ours[name])


if __name__ == "__main__":
    worker_common.run(main)
