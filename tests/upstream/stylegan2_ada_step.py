"""Run in a clone of stylegan2-ada-pytorch or stylegan3: the gradients of one Gmain step of the real loss.

    python stylegan2_ada_step.py OUT JSON

JSON is one of: null, to construct the loss as upstream does; the dict of ffl_options to construct it with; or
"alone", for the gradient of FFL alone, computed here from the very images that the step makes.
"""

from __future__ import annotations

import inspect
import json
import sys

import torch

sys.path.insert(0, ".")


def networks():
    try:
        from training.networks import Discriminator, Generator
    except ImportError:  # stylegan3
        from training.networks_stylegan2 import Discriminator, Generator
    torch.manual_seed(0)
    common = {"c_dim": 0, "img_resolution": 32, "img_channels": 3}
    size = {"channel_base": 512, "channel_max": 32}
    generator = Generator(
        z_dim=16, w_dim=16, mapping_kwargs={"num_layers": 2}, **_synthesis(Generator, size), **common
    )
    return generator, Discriminator(**size, **common)


def _synthesis(generator_class, size):
    named = "synthesis_kwargs" in inspect.signature(generator_class.__init__).parameters
    return {"synthesis_kwargs": size} if named else size


def main(out: str, what: object) -> None:
    import training.loss

    generator, discriminator = networks()
    more = {"ffl_options": what} if isinstance(what, dict) else {}
    if "G_mapping" in inspect.signature(training.loss.StyleGAN2Loss.__init__).parameters:
        parts = {"G_mapping": generator.mapping, "G_synthesis": generator.synthesis}
        step = {"sync": True, "gain": 1}
    else:  # stylegan3
        parts = {"G": generator}
        step = {"gain": 1, "cur_nimg": 0}
    loss = training.loss.StyleGAN2Loss(
        torch.device("cpu"), D=discriminator, style_mixing_prob=0.9, **parts, **more
    )
    torch.manual_seed(1)
    real = torch.rand(4, 3, 32, 32) * 2 - 1
    z, c = torch.randn(4, 16), torch.zeros(4, 0)
    torch.manual_seed(2)
    if what == "alone":
        from ffl_plugin import focal_frequency_loss

        arguments = {"sync": True} if "sync" in step else {}
        images, _ = loss.run_G(z, c, **arguments)
        focal_frequency_loss(images, real, spectrum="batch").backward()
    else:
        loss.accumulate_gradients("Gmain", real, c, z, c, **step)
    torch.save({name: p.grad for name, p in generator.named_parameters() if p.grad is not None}, out)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
