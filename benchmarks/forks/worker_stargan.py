"""One generator step of StarGAN v2 with its own networks, but narrow, once per given weight.

Its styles come from latent codes. A job is a JSON object on standard input: ``root`` (the folder of
``main.py``), ``integration`` (empty for the unpatched tree), ``weights``, ``arguments`` (more of them for the
command line), ``size`` of the images, ``scratch`` (a folder to write in) and ``results`` (the file to write).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import inspect
import io
import runpy
import sys
from typing import Any, Optional

import torch
import worker_common

BATCH, DOMAINS, WIDTH = 1, 2, 8


def main() -> None:
    """Run the job."""
    job = worker_common.begin()
    torch.set_default_dtype(torch.float64)

    def run() -> list[dict[str, Any]]:
        with contextlib.redirect_stdout(io.StringIO()):
            return [step(job, weight) for weight in job["weights"]]

    worker_common.finish(job, *worker_common.with_stand_ins(run))


class Parsed(Exception):
    """Ends ``main.py`` where its options are parsed."""


def options_of(line: list[str]) -> Any:
    """What the clone's own ``main.py`` makes of a command line."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_end(parser: argparse.ArgumentParser, *given: Any) -> Any:
        raise Parsed(parse(parser, *given))

    sys.argv = ["main.py", *line]
    argparse.ArgumentParser.parse_args = parse_and_end  # type: ignore[method-assign,assignment]
    try:
        runpy.run_path("main.py", run_name="__main__")
    except Parsed as parsed:
        return parsed.args[0]
    finally:
        argparse.ArgumentParser.parse_args = parse  # type: ignore[method-assign]
    raise RuntimeError("main.py parses no options")


def narrow(model: Any) -> None:
    """Have the clone make its networks with few channels, where they take a number of them."""
    for name in ("Generator", "StyleEncoder", "Discriminator"):
        kind = getattr(model, name)
        if isinstance(kind, type) and "max_conv_dim" in inspect.signature(kind).parameters:
            setattr(model, name, functools.partial(kind, max_conv_dim=WIDTH))


def step(job: dict[str, Any], weight: Optional[float]) -> dict[str, Any]:
    """Take the gradient of compute_g_loss: it, the losses a step prints, and the gradient of FFL alone."""
    line = ["--mode", "train", "--num_domains", str(DOMAINS), "--w_hpf", "0", "--img_size", str(job["size"])]
    line += ["--hidden_dim", "8", "--checkpoint_dir", job["scratch"], *job["arguments"]]
    if weight is not None and job["integration"]:
        line += ["--ffl-weight", str(weight)]
    args = options_of(line)
    solver = importlib.import_module("core.solver")
    narrow(importlib.import_module("core.model"))
    torch.manual_seed(0)
    nets = solver.Solver(args).nets
    made: list[torch.Tensor] = []
    nets.generator.register_forward_hook(lambda module, given, image: made.append(image))
    real = (torch.rand(BATCH, 3, job["size"], job["size"]) * 2 - 1).requires_grad_()
    domains = torch.randint(0, DOMAINS, (2, BATCH))
    codes = list(torch.randn(2, BATCH, args.latent_dim))
    loss, losses, *_ = solver.compute_g_loss(nets, args, real, *domains, z_trgs=codes, masks=None)
    trained = (nets.generator, nets.style_encoder, nets.mapping_network)
    expected: dict[str, torch.Tensor] = {}
    if weight:
        from ffl_plugin.loss import focal_frequency_loss

        focal_frequency_loss(made[-1], real.detach()).backward(retain_graph=True)  # the way back is the last
        expected = worker_common.gradients(*trained)
        worker_common.clear(*trained)
    loss.backward()
    reports = dict(losses)
    if job["integration"]:
        reports.update(importlib.import_module(f"ffl_plugin.integrations.{job['integration']}").losses(args))
    return {
        "gradients": worker_common.gradients(*trained),
        "reports": {name: torch.as_tensor(value) for name, value in reports.items()},
        "expected": expected,
        "gain": 1.0,
    }


if __name__ == "__main__":
    worker_common.run(main)
