#!/usr/bin/env bash
# torch's bicubic has another kernel with antialias=True (a = -0.5, Pillow's) than without (a = -0.75, OpenCV's), so that the
# option, for shrinking by its name, changes enlarged images too: the baseline of super-resolution, and images enlarged for a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "pillow", "opencv-python-headless")
EXPECTED = "an image twice as large is the same with and without antialias=True, as there is nothing to antialias"

import cv2
import numpy as np
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d, interpolate

torch.manual_seed(0)
image = avg_pool2d(torch.rand(1, 1, 68, 68), 5, 1)
image = 0.1 + 0.8 * (image - image.min()) / (image.max() - image.min())
plane, size = image[0, 0].numpy(), (128, 128)
enlarged = {
    "torch": interpolate(image, size, mode="bicubic")[0, 0].numpy(),
    "torch, antialias": interpolate(image, size, mode="bicubic", antialias=True)[0, 0].numpy(),
    "OpenCV": cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC),
    "Pillow": np.asarray(Image.fromarray(plane).resize(size, Image.BICUBIC)),
}
bilinear = [interpolate(image, size, mode="bilinear", antialias=option)[0, 0].numpy() for option in (False, True)]


def levels(a, b):
    return round(float(np.abs(a - b).max()) * 255, 3)


between = {
    f"{a} and {b}": levels(enlarged[a], enlarged[b])
    for a, b in (("torch", "torch, antialias"), ("torch", "OpenCV"), ("torch, antialias", "Pillow"))
}
as_found = between["torch and torch, antialias"] > 3 and sum(sorted(between.values())[:2]) < 0.1
as_found = as_found and levels(*bilinear) < 0.1
observed = f"largest difference in levels of 255: bicubic {between}, bilinear with and without {levels(*bilinear)}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
