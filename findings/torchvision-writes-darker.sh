#!/usr/bin/env bash
# torchvision rounds in save_image and cuts off in ToPILImage: the same float tensor is half a level darker in half of its
# pixels by the second way, and its mean squared error of quantization is four times as large (6 dB of PSNR).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "numpy", "pillow")
EXPECTED = "both ways of writing a float image give the same pixels"

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
from torchvision.utils import save_image

torch.manual_seed(0)
image = torch.rand(3, 128, 128)
save_image(image, "saved.png")
exact = image.permute(1, 2, 0).double().numpy() * 255
found = {"save_image": np.asarray(Image.open("saved.png")), "ToPILImage": np.asarray(to_pil_image(image))}
shift = {name: round(float((pixels - exact).mean()), 3) for name, pixels in found.items()}
psnr = {name: round(float(10 * np.log10(255**2 / ((pixels - exact) ** 2).mean())), 1) for name, pixels in found.items()}
as_found = abs(shift["save_image"]) < 0.02 and shift["ToPILImage"] < -0.48
observed = f"mean shift in levels {shift}, PSNR against the float image {psnr}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
