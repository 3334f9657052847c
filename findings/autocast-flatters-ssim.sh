#!/usr/bin/env bash
# Under torch.autocast the window of SSIM is applied in bfloat16, also to float32 images, and the variances, small differences of
# large numbers, are rounded away: a score nearer to 1, without a word. Lightning's bf16-mixed puts validation under autocast.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 torchmetrics==1.9.0 pytorch-msssim==1.0.0 piq==0.8.0 kornia==0.9.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchmetrics", "pytorch-msssim", "piq", "kornia")
EXPECTED = "SSIM of float32 images is the same to 0.002 inside torch.autocast, or there is a warning"

import warnings

import kornia
import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from piq import ssim as piq_ssim
from pytorch_msssim import ssim as msssim_ssim
from torch.nn.functional import avg_pool2d
from torchmetrics.functional.image import structural_similarity_index_measure

torch.manual_seed(0)
image = avg_pool2d(torch.rand(4, 3, 136, 136), 9, 1)
image = (image - image.min()) / (image.max() - image.min())
noisy = (image + 0.02 * torch.randn_like(image)).clamp(0, 1)
packages = {
    "torchmetrics": lambda: structural_similarity_index_measure(noisy, image, data_range=1.0),
    "pytorch-msssim": lambda: msssim_ssim(noisy, image, data_range=1.0),
    "piq": lambda: piq_ssim(noisy, image, data_range=1.0),
    "kornia": lambda: kornia.metrics.ssim(noisy, image, 11, 1.0).mean(),
}
found = {}
with warnings.catch_warnings():
    warnings.simplefilter("error", UserWarning)
    for name, ssim in packages.items():
        plain = float(ssim())
        with torch.autocast("cpu", torch.bfloat16):
            found[name] = round(plain, 3), round(float(ssim()), 3)
shifts = {name: inside - outside for name, (outside, inside) in found.items()}
as_found = abs(shifts.pop("kornia")) < 0.002 and all(shift > 0.008 for shift in shifts.values())
observed = f"SSIM outside and inside autocast, of the same float32 images: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
