#!/usr/bin/env bash
# Resize of torchvision's v2 transforms and of albumentations takes for a mask the first pixel of each block and for an image its
# average: from 512 to 128 pixels label maps lie 0.4 pixels beside their images. Pillow's nearest takes the middle.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0 albumentations==2.0.8 opencv-python-headless==5.0.0.93
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "albumentations")
EXPECTED = "an image and its mask, resized together, lie on one another to 0.2 pixels"

import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
import albumentations
import numpy as np
import torch
from PIL import Image

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision import tv_tensors
from torchvision.transforms import v2

y, x = np.mgrid[:512, :512] + 0.5
disc = ((y - 256) ** 2 + (x - 256) ** 2 < 150**2).astype(np.uint8)  # in the middle of the image


def off_centre(plane):
    """How far the disc's centre of mass is from the middle, in pixels of the result, right and down."""
    plane = np.asarray(plane, float)
    return [round(float(((np.arange(len(plane)) + 0.5) * plane.sum(axis)).sum() / plane.sum() - len(plane) / 2), 2) for axis in (0, 1)]


shrink = v2.Resize((128, 128), antialias=True)
image, mask = shrink(tv_tensors.Image(torch.from_numpy(disc * 255)[None]), tv_tensors.Mask(torch.from_numpy(disc)[None]))
by_albumentations = albumentations.Resize(128, 128)(image=disc * 255, mask=disc)
grey = Image.fromarray(disc)
found = {
    "torchvision's image": off_centre(image[0]),
    "torchvision's mask": off_centre(mask[0]),
    "albumentations' image": off_centre(by_albumentations["image"]),
    "albumentations' mask": off_centre(by_albumentations["mask"]),
    "Pillow's nearest": off_centre(grey.resize((128, 128), Image.NEAREST)),
}
as_found = all((min(shift) > 0.3) == name.endswith("mask") for name, shift in found.items())
observed = f"centre of a centred disc, 512 to 128 pixels, off by: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
