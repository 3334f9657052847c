#!/usr/bin/env bash
# torchvision's VGG rectifies in place, and create_feature_extractor returns the layers' own outputs: of several convolutions
# asked for, all but the last come rectified. A perceptual loss before activation, as ESRGAN's, loses every negative value.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision")
EXPECTED = "a feature extractor gives a convolution's output, whichever other layers are asked for"

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchvision
from torchvision.models.feature_extraction import create_feature_extractor

torch.manual_seed(0)
vgg = torchvision.models.vgg19(weights=None).eval()
layers = ["features.2", "features.7", "features.16"]  # conv1_2, conv2_2, conv3_4
image = torch.rand(1, 3, 64, 64)


def negative(names):
    with torch.no_grad():
        features = create_feature_extractor(vgg, names)(image)
    return {name: round((feature < 0).float().mean().item(), 2) for name, feature in features.items()}


together, alone = negative(layers), {name: negative([name])[name] for name in layers}
as_found = [together[name] for name in layers[:2]] == [0, 0] and min(together[layers[2]], *alone.values()) > 0.1
observed = f"share of negative values: asked for together {together}, each alone {alone}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
