#!/usr/bin/env bash
# timm's own evaluation transform for OpenAI's CLIP crops 10 % of each side length; OpenAI's and open_clip's see the whole
# square. Features of one network by the two differ, and artefacts at the border are out of sight of the one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0 timm==1.0.31 open_clip_torch==3.3.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "timm", "open_clip_torch")
EXPECTED = "both transforms of one CLIP show the network the whole square image"

import numpy as np
import torch
from PIL import Image

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import open_clip
import timm

config = timm.data.resolve_data_config(timm.get_pretrained_cfg("vit_base_patch32_clip_224.openai").to_dict())
transforms = {
    "timm": timm.data.create_transform(**config, is_training=False),
    "open_clip": open_clip.image_transform(224, is_train=False),
}
square = np.full((512, 512, 3), 255, np.uint8)
framed = square.copy()
framed[:12], framed[-12:], framed[:, :12], framed[:, -12:] = 0, 0, 0, 0
seen = {
    name: float((transform(Image.fromarray(framed)) - transform(Image.fromarray(square))).abs().max())
    for name, transform in transforms.items()
}
as_found = seen["timm"] == 0 and seen["open_clip"] > 1
observed = f"greatest effect of a black frame of 12 of 512 pixels on the network's input: {seen}, timm's crop_pct {config['crop_pct']}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
