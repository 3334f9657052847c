#!/usr/bin/env bash
# Looping over a DataLoader draws from torch's global generator, without shuffle or workers too, and so do KID and the Inception
# Score of torchmetrics: how often one measures decides what noise a training draws, and two runs of one seed are no pair.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 torchmetrics==1.9.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchmetrics")
EXPECTED = "measuring a set of images in order leaves the random numbers of the training as they are"

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

torch.manual_seed(0)


class Features(torch.nn.Module):
    num_features = 8

    def forward(self, images):
        return images.float().flatten(1)[:, :8]


images = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8)
kid, score = KernelInceptionDistance(feature=Features(), subset_size=4), InceptionScore(feature=Features())
kid.update(images, real=True)
kid.update(255 - images, real=False)
score.update(images)
measurements = {
    "a loop over a DataLoader without shuffle or workers": lambda: list(torch.utils.data.DataLoader(images, batch_size=5)),
    "KID of torchmetrics": kid.compute,
    "Inception Score of torchmetrics": score.compute,
}
found = {}
for name, measure in measurements.items():
    torch.manual_seed(1)
    undisturbed = torch.randn(64)
    torch.manual_seed(1)
    measure()
    found[name] = not torch.equal(undisturbed, torch.randn(64))
as_found = all(found.values())
observed = f"the next noise of the training is another after: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
