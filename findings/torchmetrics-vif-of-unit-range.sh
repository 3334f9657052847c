#!/usr/bin/env bash
# visual_information_fidelity of torchmetrics has no data_range, and its noise variance of 2 is meant for [0, 255]: images in
# [0, 1], which the other metrics there take, lose nothing by noise, and gain by it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 torchmetrics==1.9.0 piq==0.8.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchmetrics", "piq")
EXPECTED = "VIF of images in [0, 1] is that of the same images in [0, 255], as in piq"

import warnings

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import piq
from torchmetrics.functional.image import visual_information_fidelity

torch.manual_seed(0)
warnings.simplefilter("error")
image = torch.nn.functional.avg_pool2d(torch.rand(1, 1, 128, 128), 5, 1, 2)
noise = torch.randn_like(image)
others = {f"noise of {sigma}": (image + sigma * noise).clamp(0, 1) for sigma in (0.02, 0.05)}
found = {
    name: {
        "[0, 1]": round(float(visual_information_fidelity(other, image)), 3),
        "[0, 255]": round(float(visual_information_fidelity(other * 255, image * 255)), 3),
        "piq": round(float(piq.vif_p(other, image, data_range=1.0)), 3),
    }
    for name, other in others.items()
}
as_found = all(abs(one["[0, 255]"] - one["piq"]) < 0.01 and one["[0, 1]"] > one["piq"] + 0.3 for one in found.values())
observed = f"VIF {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
