"""Run in a clone of stylegan2-ada-pytorch or stylegan3: the gradients of Gmain steps of the real loss.

    python stylegan2_ada_step.py OUT JSON

Each item of the JSON list is a step from the same networks and seeds, and gives a dict of gradients in OUT:
null constructs the loss as upstream does; a dict is its ffl_options; "alone" is no step, but the gradient
of FFL alone, computed here from the very images that a step makes; "at the images" are the gradients of FFL
and of the adversarial loss there. What a step reports as ``Gradient/...`` is among its gradients.
"""

from __future__ import annotations

import inspect
import json
import sys

import torch

from ffl_plugin import focal_frequency_loss

sys.path.insert(0, ".")


def networks() -> tuple[torch.nn.Module, torch.nn.Module]:
    size = {"channel_base": 512, "channel_max": 32}
    try:
        from training.networks import Discriminator, Generator

        synthesis = {"synthesis_kwargs": size}
    except ImportError:  # stylegan3
        from training.networks_stylegan2 import Discriminator, Generator

        synthesis = size
    torch.manual_seed(0)
    common = {"c_dim": 0, "img_resolution": 32, "img_channels": 3}
    generator = Generator(z_dim=16, w_dim=16, mapping_kwargs={"num_layers": 2}, **synthesis, **common)
    return generator, Discriminator(**size, **common)


def gradients(what: object) -> dict[str, torch.Tensor]:
    import training.loss

    generator, discriminator = networks()
    more = {"ffl_options": what} if isinstance(what, dict) else {}
    if "G_mapping" in inspect.signature(training.loss.StyleGAN2Loss.__init__).parameters:
        parts = {"G_mapping": generator.mapping, "G_synthesis": generator.synthesis}
        step, run = {"sync": True, "gain": 1}, {"sync": True}
    else:  # stylegan3
        parts = {"G": generator}
        step, run = {"gain": 1, "cur_nimg": 0}, {}
    loss = training.loss.StyleGAN2Loss(
        torch.device("cpu"), D=discriminator, style_mixing_prob=0.9, **parts, **more
    )
    torch.manual_seed(1)
    real = torch.rand(4, 3, 32, 32) * 2 - 1
    z, c = torch.randn(4, 16), torch.zeros(4, 0)
    torch.manual_seed(2)
    reported = {}
    if what in ("alone", "at the images"):
        images, _ = loss.run_G(z, c, **run)
        ours = focal_frequency_loss(images, real, spectrum="batch")
        if what == "at the images":
            logits = loss.run_D(images, c, **({"sync": False} if run else {"blur_sigma": 0}))
            adversarial = torch.nn.functional.softplus(-logits).mean()
            return {
                name: torch.autograd.grad(each, images, retain_graph=True)[0]
                for name, each in (("ffl", ours), ("rest", adversarial))
            }
        ours.backward()
    else:
        report = training.loss.training_stats.report
        training.loss.training_stats.report = lambda name, value: reported.setdefault(name, value)
        loss.accumulate_gradients("Gmain", real, c, z, c, **step)
        training.loss.training_stats.report = report
    gradients = {name: p.grad for name, p in generator.named_parameters() if p.grad is not None}
    return {**gradients, **{name: value for name, value in reported.items() if "Gradient" in name}}


if __name__ == "__main__":
    torch.save([gradients(what) for what in json.loads(sys.argv[2])], sys.argv[1])
