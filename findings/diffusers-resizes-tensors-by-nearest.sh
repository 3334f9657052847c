#!/usr/bin/env bash
# VaeImageProcessor of diffusers resizes PIL images with its resample, Lanczos, as documented, but tensors and arrays with
# nearest neighbour, whatever resample is: of 512 pixels it keeps every fourth. Known: huggingface/diffusers#13500.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0 diffusers==0.42.1
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy", "pillow", "diffusers")
EXPECTED = "preprocess(image, 128, 128) gives a PIL image, a tensor and an array of the same pixels alike, but for rounding"

import numpy as np
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)  # noise, whose average over 4 x 4 is near grey
unit = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
inputs = {"PIL image": Image.fromarray(pixels), "tensor": unit, "array": unit.permute(0, 2, 3, 1).numpy()}
processor = VaeImageProcessor(resample="lanczos")
results = {name: processor.preprocess(given, 128, 128) for name, given in inputs.items()}
every_fourth = unit[..., ::4, ::4] * 2 - 1
found = {name: round(result.std().item(), 2) for name, result in results.items()}
same = {name: torch.allclose(result, every_fourth, atol=1e-5) for name, result in results.items()}
as_found = same == {"PIL image": False, "tensor": True, "array": True} and found["PIL image"] < 0.2 < 0.5 < found["tensor"]
observed = f"standard deviation of noise shrunk from 512 to 128 pixels {found}; equal to every fourth pixel: {same}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
