#!/usr/bin/env bash
# torch's convert_sync_batchnorm replaces every subclass of BatchNorm, and with it what the subclass adds: the networks of timm
# whose BatchNormAct2d holds the activation, such as Projected GAN's EfficientNet-Lite, become linear there, without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0 timm==1.0.31
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "timm")
EXPECTED = "a converted network computes in eval mode what it computed before"

import copy

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import timm

torch.manual_seed(0)
net = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
image = torch.rand(1, 3, 64, 64)
converted = {
    "torch": torch.nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(net)).eval(),
    "timm": timm.layers.convert_sync_batchnorm(copy.deepcopy(net)).eval(),
}


def block(network):
    """The first convolution with its normalization and activation, a ReLU6."""
    with torch.no_grad():
        return network.bn1(network.conv_stem(image))


least = {name: round(block(network).min().item(), 2) for name, network in converted.items()}
differences = {name: (block(network) - block(net)).abs().max().item() for name, network in converted.items()}
as_found = differences["torch"] > 0.1 and differences["timm"] < 1e-6 and least["torch"] < -0.1 and least["timm"] == 0
observed = f"least value after the first ReLU6, converted by {least}; greatest difference from the network {differences}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
