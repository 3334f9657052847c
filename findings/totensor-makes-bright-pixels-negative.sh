#!/usr/bin/env bash
# ToTensor of torchvision reads 16-bit grey images of Pillow as signed integers, without scaling: the brighter half is negative.
# The v2 transforms that replace it are right. Known: pytorch/vision#8188, open since 2024.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "pillow")
EXPECTED = "ToTensor gives a 16-bit grey ramp as a ramp, without scaling, as is documented for this mode"

import numpy as np
import torch
from PIL import Image

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision import transforms
from torchvision.transforms import v2

ramp = np.linspace(0, 65535, 6).astype(np.uint16)
Image.fromarray(ramp[None]).save("ramp.png")
image = Image.open("ramp.png")
modern = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
tensor, right = transforms.ToTensor()(image)[0, 0], modern(image)[0, 0]
normalized = transforms.Compose([transforms.ToTensor(), transforms.ConvertImageDtype(torch.float32)])(image)[0, 0]
as_found = tensor.tolist() == ramp.astype(np.int16).tolist() and torch.allclose(right, torch.linspace(0, 1, 6), atol=1e-5)
as_found = as_found and normalized.min() < -0.5
observed = (
    f"{ramp.tolist()} in mode {image.mode}: ToTensor {tensor.tolist()} ({tensor.dtype}), then ConvertImageDtype "
    f"{[round(value, 2) for value in normalized.tolist()]}, v2 {[round(value, 2) for value in right.tolist()]}"
)

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
