"""Run in a clone of pytorch-CycleGAN-and-pix2pix: the gradients of backward_G of a real model.

    python pix2pix_step.py OUT MODEL JSON

Each item of the list in JSON is a list of flags, and gives a list of gradients in OUT, from the same seeds.
"""

from __future__ import annotations

import json
import sys

import torch

sys.path.insert(0, ".")


def gradients(model_name: str, flags: list[str]) -> list[torch.Tensor]:
    sys.argv = ["train.py", "--dataroot", ".", "--model", model_name, "--name", "step", *flags]
    sys.argv += ["--netG", "resnet_6blocks", "--ngf", "4", "--ndf", "4"]
    from models import create_model
    from options.train_options import TrainOptions

    opt = TrainOptions().parse()
    opt.device = torch.device("cpu")
    torch.manual_seed(0)
    model = create_model(opt)
    images = [torch.rand(2, 3, 32, 32) * 2 - 1 for _ in range(2)]
    model.set_input({"A": images[0], "B": images[1], "A_paths": [""], "B_paths": [""]})
    torch.manual_seed(1)
    model.forward()
    model.backward_G()
    networks = [getattr(model, "net" + name) for name in model.model_names if name.startswith("G")]
    return [parameter.grad for network in networks for parameter in network.parameters()]


if __name__ == "__main__":
    out, name, steps = sys.argv[1:]
    torch.save([gradients(name, flags) for flags in json.loads(steps)], out)
