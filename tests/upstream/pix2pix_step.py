"""Run in a clone of pytorch-CycleGAN-and-pix2pix: one backward_G of the real model, its gradients to a file.

python pix2pix_step.py OUT MODEL [FLAGS...]
"""

from __future__ import annotations

import sys

import torch

sys.path.insert(0, ".")


def main(out: str, model_name: str, flags: list[str]) -> None:
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
    gradients = [p.grad for network in networks for p in network.parameters()]
    torch.save({str(number): gradient for number, gradient in enumerate(gradients)}, out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
