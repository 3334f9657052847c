"""One generator step of an autoencoder's loss with a tiny decoder, once per given weight.

A job is a JSON object on standard input: ``root`` (the folder of the clone), ``module`` and ``class`` of the
loss, ``integration`` (empty for the unpatched tree), ``frames`` (of a video; 0 for images), ``weights``, and
``results`` (the file to write). Tiny networks stand in for those of LPIPS and of taming-transformers, on
which others build.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import io
import sys
from types import ModuleType, SimpleNamespace
from typing import Any, Optional

import torch
import worker_common

BATCH, SIZE = 2, 32
ENTROPIES = (
    "per_sample_entropy",
    "codebook_entropy",
    "commitment",
    "avg_probs",
)  # of a codebook without lookup


class Perceptual(torch.nn.Module):
    """The mean absolute difference per image, in place of LPIPS."""

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return (N, 1, 1, 1) for two batches."""
        return (first - second).abs().mean((1, 2, 3), keepdim=True)


def discriminator(*arguments: Any, **keywords: Any) -> torch.nn.Module:
    """A layer in place of the discriminator."""
    return torch.nn.Conv2d(3, 1, 4, stride=4)


def discriminator_of_videos(*arguments: Any, **keywords: Any) -> torch.nn.Module:
    """A layer in place of the discriminator of videos."""
    return torch.nn.Conv3d(3, 1, (1, 4, 4), stride=(1, 4, 4))


def main() -> None:
    """Run the job."""
    job = worker_common.begin()
    torch.set_default_dtype(torch.float64)
    if not importlib.util.find_spec("taming"):
        stand_in_for_taming()

    def run() -> list[dict[str, Any]]:
        with contextlib.redirect_stdout(io.StringIO()):
            return [step(job, weight) for weight in job["weights"]]

    worker_common.finish(job, *worker_common.with_stand_ins(run))


def stand_in_for_taming() -> None:
    """What latent-diffusion and its forks import from taming-transformers."""
    module = ModuleType("taming.modules.losses.vqperceptual")
    vars(module).update(
        torch=torch,
        nn=torch.nn,
        LPIPS=Perceptual,
        NLayerDiscriminator=discriminator,
        weights_init=lambda layer: None,
        adopt_weight=lambda weight, step, threshold=0, value=0.0: weight if step >= threshold else value,
        hinge_d_loss=lambda real, fake: (fake - real).mean(),
        vanilla_d_loss=lambda real, fake: (fake - real).mean(),
    )
    for name in ("taming", "taming.modules", "taming.modules.losses", "taming.modules.discriminator"):
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = []
    sys.modules["taming.modules.losses.lpips"] = sys.modules["taming.modules.discriminator.model"] = module
    sys.modules[module.__name__] = module


def step(job: dict[str, Any], weight: Optional[float]) -> dict[str, Any]:
    """Backpropagate the generator's loss once: gradients, what is logged, and the gradient of FFL alone."""
    module = importlib.import_module(job["module"])
    module.LPIPS = Perceptual  # type: ignore[attr-defined]
    module.NLayerDiscriminator = discriminator  # type: ignore[attr-defined]
    module.NLayerDiscriminator3D = discriminator_of_videos  # type: ignore[attr-defined]
    module.weights_init = lambda layer: None  # type: ignore[attr-defined]
    torch.manual_seed(0)
    params: dict[str, Any] = {"disc_start": 0}
    if "discriminator_config" in inspect.signature(getattr(module, job["class"])).parameters:
        params["discriminator_config"] = {
            "target": "torch.nn.Conv2d",
            "params": {"in_channels": 3, "out_channels": 1, "kernel_size": 4},
        }
    if weight is not None and job["integration"]:
        params["ffl_options"] = {"weight": weight}
    loss = getattr(module, job["class"])(**params)
    frames = job["frames"]
    decoder = (torch.nn.Conv3d if frames else torch.nn.Conv2d)(3, 3, 3, padding=1)
    inputs = torch.rand(BATCH, 3, *([frames] if frames else []), SIZE, SIZE) * 2 - 1
    posterior = SimpleNamespace(kl=lambda *_, **__: torch.ones(BATCH))
    given = {
        "codebook_loss": torch.ones(1),
        "inputs": inputs,
        "reconstructions": decoder(inputs),
        "posteriors": posterior,
        "regularization_log": {},
        "optimizer_idx": 0,
        "global_step": 1,
        "last_layer": decoder.weight,
        "loss_break": SimpleNamespace(**dict.fromkeys(ENTROPIES, torch.ones(()))),
    }
    taken = inspect.signature(loss.forward).parameters
    value, log = loss(**{name: each for name, each in given.items() if name in taken})
    expected: dict[str, torch.Tensor] = {}
    summed = hasattr(loss, "logvar") and not getattr(loss, "pp_style", False)
    if weight:
        from ffl_plugin.loss import focal_frequency_loss

        pair = (given["reconstructions"], inputs)
        images = [torch.cat(batch.unbind(2)) if frames else batch for batch in pair]
        alone = focal_frequency_loss(*images)
        (alone * (inputs[0].numel() if summed else 1)).backward(retain_graph=True)
        expected = worker_common.gradients(decoder)
        worker_common.clear(decoder)
    value.backward()
    reports = {name: torch.as_tensor(each).detach().double().mean() for name, each in log.items()}
    found = worker_common.gradients(decoder)
    return {"gradients": found, "reports": reports, "expected": expected, "gain": 1.0}


if __name__ == "__main__":
    worker_common.run(main)
