#!/usr/bin/env bash
# Image.fromarray copies RGB, but shares the memory of grey, RGBA and 16-bit arrays, and to_pil_image of torchvision passes that
# on: samples made in one reused buffer are right in colour, and in grey all of them show the last.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "pillow")
EXPECTED = "an image made of an array keeps its pixels when the array is filled anew, in any mode"

import numpy as np
import torch
from PIL import Image

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision.transforms.functional import to_pil_image


def pixel_after(shape, kind):
    """What an image of an array of zeros shows once the array was filled anew."""
    buffer = np.zeros(shape, kind)
    image = Image.fromarray(buffer)
    buffer[:] = 200
    return int(np.asarray(image).max())


modes = {"L": ((8, 8), np.uint8), "RGBA": ((8, 8, 4), np.uint8), "I;16": ((8, 8), np.uint16)}
copied = {"RGB": ((8, 8, 3), np.uint8), "F": ((8, 8), np.float32)}
found = {mode: pixel_after(*case) for mode, case in (modes | copied).items()}
tensor = torch.zeros(1, 8, 8, dtype=torch.uint8)
image = to_pil_image(tensor)
tensor.fill_(200)
found["to_pil_image of one channel"] = int(np.asarray(image).max())
samples, buffer = [], np.zeros((8, 8), np.uint8)
for seed in range(4):
    buffer[:] = np.random.default_rng(seed).integers(0, 256, (8, 8))
    samples.append(Image.fromarray(buffer))
different = len({sample.tobytes() for sample in samples})
as_found = different == 1 and all((value == 0) == (name in copied) for name, value in found.items())
observed = f"an image of zeros, after the array was filled with 200: {found}; different grey samples of four: {different}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
