"""One generator step of a StyleGAN2Loss-like class with tiny stand-in networks, once per given weight.

A job is a JSON object on standard input: ``root`` (the folder that holds ``training``), ``module``,
``class``, ``integration`` (empty for the unpatched tree), ``weights``, ``results`` (the file to write), and,
where the class asks for more than the usual, ``construct`` and ``call`` (its keywords; a value such as
``"@discriminator"`` stands for the object of that name in `stand_ins`), ``logits`` and ``images`` (how many
outputs the discriminator and the synthesis have; ``"list"`` for logits in a list, ``"dict"`` for images in a
dict).
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any, Optional, Union

import torch
import worker_common

Outputs = Union[int, str]
BATCH, Z, W, LAYERS, SIZE, GAIN = 4, 8, 8, 6, 16, 4.0


class Mapping(torch.nn.Module):
    """Latents (N, Z) to (N, LAYERS, W), linear."""

    num_ws = LAYERS

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(Z, W) / Z**0.5)

    def forward(self, z: torch.Tensor, *others: Any, **keywords: Any) -> torch.Tensor:
        """Map, whatever else is given."""
        return (z @ self.weight)[:, None].repeat(1, LAYERS, 1)

    def num_required_vectors(self) -> int:
        """As some forks ask."""
        return 1


class Synthesis(torch.nn.Module):
    """(N, LAYERS, W) to images (N, 3, SIZE, SIZE) in (-1, 1), alone, in a pair or in a dict."""

    def __init__(self, images: Outputs) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(W, 3 * SIZE * SIZE) / W**0.5)
        self.images = images
        self.layer_names: list[str] = []

    def forward(self, ws: torch.Tensor, *others: Any, **keywords: Any) -> Any:
        """Synthesize, whatever else is given."""
        image = torch.tanh(ws.mean(dim=1) @ self.weight).reshape(len(ws), 3, SIZE, SIZE)
        if self.images == "dict":
            return {"image": image, "image_raw": image[..., ::2, ::2]}
        return image if self.images == 1 else (image, [image[:, :1]])


class Generator(torch.nn.Module):
    """Both, as the loss of StyleGAN3 and of its kin gets them."""

    z_dim, w_dim, c_dim, img_resolution, img_channels, epochs, num_ws = Z, W, 0, SIZE, 3, 0, LAYERS
    head_layer_names: tuple[str, ...] = ()

    def __init__(self, images: Outputs) -> None:
        super().__init__()
        self.mapping, self.synthesis = Mapping(), Synthesis(images)
        self.rendering_kwargs: dict[str, Any] = {}

    def forward(self, z: torch.Tensor, *others: Any, **keywords: Any) -> Any:
        """Map and synthesize, as the loss of R3GAN asks for both at once."""
        return self.synthesis(self.mapping(z))


class Discriminator(torch.nn.Module):
    """Images to logits (N, 1); where the class expects more, a tuple, or a list of two logits."""

    def __init__(self, outputs: Outputs) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, Z, 3)
        self.outputs = outputs

    def forward(self, image: Any, *others: Any, **keywords: Any) -> Any:
        """Judge, whatever else is given."""
        features = self.convolution(image_of(image)).mean(dim=(2, 3))
        logits = features.mean(dim=1, keepdim=True)
        if self.outputs == "list":
            return [logits, logits]
        return logits if self.outputs == 1 else (logits, *[features] * (self.outputs - 1))


def image_of(made: Any) -> torch.Tensor:
    """The image of what a generator returns."""
    image: torch.Tensor = (
        made["image"] if isinstance(made, dict) else made[0] if isinstance(made, tuple) else made
    )
    return image


def main() -> None:
    """Run the job."""
    job = worker_common.begin()
    torch.set_default_dtype(torch.float64)

    def run() -> list[dict[str, Any]]:
        module = importlib.import_module(job["module"])
        return [step(job, module, weight) for weight in job["weights"]]

    worker_common.finish(job, *worker_common.with_stand_ins(run))


def step(job: dict[str, Any], module: Any, weight: Optional[float]) -> dict[str, Any]:
    """Train the generator once: the gradients, what was reported, and the gradient that FFL alone has."""
    torch.manual_seed(0)
    generator, discriminator = Generator(job["images"]), Discriminator(job["logits"])
    real, z = torch.rand(BATCH, 3, SIZE, SIZE) * 2 - 1, torch.randn(BATCH, Z)
    reports: dict[str, torch.Tensor] = {}
    module.training_stats.report = lambda name, value: reports.setdefault(name, copied(value))

    def keywords(function: Any, usual: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        objects = stand_ins(generator, discriminator, real)
        replaced = {n: objects[v[1:]] if str(v).startswith("@") else v for n, v in others.items()}
        return named(function, {**usual, **replaced})

    loss_class = getattr(module, job["class"])
    usual = usual_arguments(generator, discriminator)
    loss = loss_class(**keywords(loss_class.__init__, usual, job["construct"]), **ffl_options(job, weight))
    torch.manual_seed(1)
    loss.accumulate_gradients(
        **keywords(loss.accumulate_gradients, usual_batch(real, z, job["class"]), job["call"])
    )
    found = worker_common.gradients(generator)
    worker_common.clear(generator)
    expected = ffl_alone(generator, z, real) if weight else {}
    return {"gradients": found, "reports": reports, "expected": expected, "gain": GAIN}


def copied(value: Any) -> torch.Tensor:
    """What was reported, apart from the graph."""
    return torch.as_tensor(value).detach().clone()


def ffl_alone(generator: Generator, z: torch.Tensor, real: torch.Tensor) -> dict[str, torch.Tensor]:
    """The gradient of the Focal Frequency Loss between the generator's images and the real ones."""
    from ffl_plugin.loss import focal_frequency_loss

    image = image_of(generator.synthesis(generator.mapping(z)))
    focal_frequency_loss(image, real, spectrum="batch").backward()
    return worker_common.gradients(generator)


def ffl_options(job: dict[str, Any], weight: Optional[float]) -> dict[str, Any]:
    """The keyword that the launcher would have put into the loss's arguments."""
    if not job["integration"] or weight is None:
        return {}
    integration = importlib.import_module(f"ffl_plugin.integrations.{job['integration']}")
    arguments: dict[str, Any] = {"loss_kwargs": {}}
    integration.configure(arguments, {"weight": weight, "spectrum": "batch"}, ValueError)
    return dict(arguments["loss_kwargs"])


def usual_arguments(generator: Generator, discriminator: Discriminator) -> dict[str, Any]:
    """What constructors of this family are given."""
    return {
        "device": torch.device("cpu"),
        "G": generator,
        "G_ema": generator,
        "G_mapping": generator.mapping,
        "G_synthesis": generator.synthesis,
        "D": discriminator,
        "augment_pipe": None,
        "style_mixing_prob": 0,
        "pl_weight": 0,
        "r1_gamma": 0,
    }


def usual_batch(real: torch.Tensor, z: torch.Tensor, loss: str) -> dict[str, Any]:
    """What ``accumulate_gradients`` of this family is given."""
    labels = torch.zeros(BATCH, 0)
    return {
        "phase": "G" if loss == "R3GANLoss" else "Gmain",
        "real_img": real,
        "real_c": labels,
        "gen_z": z,
        "gen_c": labels,
        "sync": True,
        "gain": GAIN,
        "gamma": 1.0,
        "cur_nimg": 0,
    }


def stand_ins(generator: Generator, discriminator: Discriminator, real: torch.Tensor) -> dict[str, Any]:
    """Objects that a list of repositories can name."""
    return {
        "discriminator": discriminator,
        "synthesis": generator.synthesis,
        "real": real,
        "unchanged": lambda image, *others: (image, None),
    }


def named(function: Any, known: dict[str, Any]) -> dict[str, Any]:
    """The arguments that a function names; `TypeError` names one that it needs and nobody has."""
    parameters = inspect.signature(function).parameters
    for name, parameter in parameters.items():
        positional = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        if positional and parameter.default is parameter.empty and name not in known and name != "self":
            raise TypeError(f"no stand-in for the argument {name}")
    return {name: value for name, value in known.items() if name in parameters}


if __name__ == "__main__":
    worker_common.run(main)
