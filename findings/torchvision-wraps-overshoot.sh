#!/usr/bin/env bash
# torchvision's ToDtype(torch.uint8, scale=True) does not clip: what a bicubic Resize of a float image gives beyond [0, 1], at
# every hard edge, comes out at the other end, white specks in black and black ones in white. The same Resize of uint8 clips.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision")
EXPECTED = "resizing in float and converting back differs from resizing in uint8 by rounding, at most two levels"

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision.transforms import v2

image = torch.zeros(3, 64, 64, dtype=torch.uint8)
image[:, 16:48, 16:48] = 255  # a white frame on black
image[:, 24:40, 24:40] = 0
differences, shares = {}, {}
for size in (96, 48):
    resize = v2.Resize((size, size), interpolation=v2.InterpolationMode.BICUBIC)
    in_float = v2.Compose([v2.ToDtype(torch.float32, scale=True), resize, v2.ToDtype(torch.uint8, scale=True)])
    difference = (resize(image).int() - in_float(image).int()).abs()
    differences[size] = difference.max().item()
    shares[size] = round((difference > 2).float().mean().item(), 3)
beyond = v2.ToDtype(torch.uint8, scale=True)(torch.tensor([[[-0.1, 1.2]]])).flatten().tolist()
as_found = min(differences.values()) > 200 and min(shares.values()) > 0.05
observed = f"by size, largest difference in levels {differences}, share of pixels {shares}; -0.1 and 1.2 become {beyond}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
