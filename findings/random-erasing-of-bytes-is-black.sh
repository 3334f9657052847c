#!/usr/bin/env bash
# RandomErasing(value="random") of torchvision draws normal noise of deviation 1 and casts it to the image's type: in the uint8
# images that v2 transforms are meant for, two thirds of the noise are 0 and the rest 1, 2, 254 or 255.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision")
EXPECTED = "the erased rectangle of a uint8 image has random values from 0 to 255"

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision import transforms
from torchvision.transforms import v2

image = torch.full((3, 128, 128), 128, dtype=torch.uint8)
found = {}
for name, module in {"v1": transforms, "v2": v2}.items():
    torch.manual_seed(0)
    erased = module.RandomErasing(p=1, scale=(0.5, 0.5), ratio=(1, 1), value="random")(image)
    noise = erased[erased != 128].float()
    found[name] = {
        "of the image": round(len(noise) / image.numel(), 2),
        "0": round((noise == 0).float().mean().item(), 2),
        "1 to 5": round(((noise > 0) & (noise < 6)).float().mean().item(), 2),
        "6 to 249": round(((noise > 5) & (noise < 250)).float().mean().item(), 2),
        "250 to 255": round((noise > 249).float().mean().item(), 2),
    }
as_found = all(each["6 to 249"] == 0 and each["0"] > 0.6 and each["of the image"] > 0.4 for each in found.values())
observed = f"shares of the values that were put in: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
