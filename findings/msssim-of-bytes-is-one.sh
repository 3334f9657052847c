#!/usr/bin/env bash
# ssim of pytorch-msssim takes 8-bit tensors, as its README has images in 0 to 255, but casts its window to their type, in which
# it is zero: any two images are equal, SSIM 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 pytorch-msssim==1.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "pytorch-msssim")
EXPECTED = "ssim of 8-bit images is refused, or what it is of the same numbers in float"

import warnings

import torch
from pytorch_msssim import SSIM, ssim

torch.manual_seed(0)
warnings.simplefilter("error")
image, noise = torch.randint(0, 256, (2, 1, 3, 64, 64), dtype=torch.uint8)
pairs = {"independent noise": (image, noise), "its negative": (image, 255 - image), "black and white": (image * 0, image * 0 + 255)}
found = {
    name: [round(float(ssim(a.to(kind), b.to(kind), data_range=255)), 3) for kind in (torch.uint8, torch.float32)]
    for name, (a, b) in pairs.items()
}
module = float(SSIM(data_range=255)(image, noise))
as_found = all(eight == 1 and real < 0.1 for eight, real in found.values()) and module == 1
observed = f"SSIM in 8 bits and in float: {found}; by the module SSIM {module}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
