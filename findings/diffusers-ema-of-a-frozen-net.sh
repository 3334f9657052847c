#!/usr/bin/env bash
# EMAModel.step of diffusers copies the weights that do not require gradients at that moment instead of averaging them. GAN
# loops, as StyleGAN's, freeze the generator between its phases: called there, the average is the live generator.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 diffusers==0.42.1 torch-ema==0.3 timm==1.0.31
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "diffusers", "torch-ema", "timm")
EXPECTED = "the average of a weight that grows from 1 to 1000 does not depend on whether it is frozen when step() is called"

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from diffusers.training_utils import EMAModel
from timm.utils import ModelEmaV3
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch_ema import ExponentialMovingAverage


def averages(frozen):
    net = torch.nn.Linear(1, 1, bias=False)
    net.weight.data.fill_(0.0)
    diffusers = EMAModel(net.parameters(), decay=0.999)
    torch_ema = ExponentialMovingAverage(net.parameters(), decay=0.999)
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.999))
    timm = ModelEmaV3(net, decay=0.999)
    for step in range(1, 1001):
        net.weight.data.fill_(float(step))
        net.requires_grad_(not frozen)
        diffusers.step(net.parameters())
        torch_ema.update()
        averaged.update_parameters(net)
        timm.update(net)
    found = diffusers.shadow_params[0], torch_ema.shadow_params[0], averaged.module.weight, timm.module.weight
    return {name: round(float(weight)) for name, weight in zip(("diffusers", "torch-ema", "torch", "timm"), found)}


trained, frozen = averages(False), averages(True)
as_found = frozen == trained | {"diffusers": 1000} and trained["diffusers"] < 950
observed = f"trainable {trained}, frozen at each step {frozen}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
