#!/usr/bin/env bash
# transformers' image processors divide by 255 whatever they are given: a float image in [0, 1], as generators make them,
# is nearly black to CLIP or DINOv2, and version 5 no longer warns of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0 transformers==5.24.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "transformers")
EXPECTED = "a float image in [0, 1] gives what its 8-bit copy gives, or a warning"

import logging
import warnings

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import transformers

messages = []
handler = logging.Handler()
handler.emit = lambda record: messages.append(record.getMessage())
logging.getLogger("transformers").addHandler(handler)
image = torch.full((3, 224, 224), 0.5)
found = {}
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    for name in ("CLIPImageProcessor", "BitImageProcessor"):
        processor = getattr(transformers, name)()
        means = [float(processor(images=one, return_tensors="pt")["pixel_values"].mean()) for one in ((image * 255).to(torch.uint8), image)]
        found[name] = [round(mean, 2) for mean in means]
as_found = all(abs(eight - unit) > 1 for eight, unit in found.values()) and not any("rescale" in str(one) for one in (*warned, *messages))
observed = f"mean input of the network, of 8 bits and of [0, 1]: {found}; warnings of it: {sum('rescale' in str(one) for one in (*warned, *messages))}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
