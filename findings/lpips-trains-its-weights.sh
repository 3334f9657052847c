#!/usr/bin/env bash
# lpips.LPIPS() freezes the network below (pnet_tune=False), but not its own linear layers: a model that holds it as its
# loss and gives model.parameters() to the optimizer trains the metric along, towards a smaller loss.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 scipy==1.17.1 tqdm==4.70.1 lpips==0.1.4
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "tqdm", "lpips")
EXPECTED = "no parameter of LPIPS is trainable by default"

import warnings

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import lpips

warnings.simplefilter("ignore")
torch.manual_seed(0)
loss = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
trainable = [name for name, parameter in loss.named_parameters() if parameter.requires_grad]
image, other = torch.rand(2, 1, 3, 64, 64) * 2 - 1
optimizer = torch.optim.Adam(loss.parameters(), 1e-2)
before = float(loss(image, other))
for _ in range(20):
    optimizer.zero_grad()
    loss(image, other).backward()
    optimizer.step()
after = float(loss(image, other))
as_found = len(trainable) == 5 and after < before
observed = f"trainable: {trainable}; the distance of two fixed images falls from {before:.4f} to {after:.4f}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
