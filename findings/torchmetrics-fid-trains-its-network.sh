#!/usr/bin/env bash
# FrechetInceptionDistance of torchmetrics holds its own Inception in eval mode whatever train() is called, but not a network
# that it is given: train() of the model that holds the metric, as Lightning calls it, turns on its dropout and batch statistics.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchmetrics")
EXPECTED = "FID of a set with itself is 0, with features of a network of one's own as with Inception's"

import torch
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

torch.manual_seed(0)
network = torch.nn.Sequential(
    torch.nn.Conv2d(3, 8, 3, 2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
).eval()
images = torch.cat([torch.rand(64, 3, 32, 32) * level for level in (0.2, 1.0)])  # dark ones, then bright ones
model = torch.nn.Module()
options = {"feature": network, "normalize": True}
model.fid = FrechetInceptionDistance(input_img_size=(3, 32, 32), **options)
model.kid = KernelInceptionDistance(subset_size=64, **options)


def of_itself(metric):
    """The distance of the images from themselves, where the second time they come in another order."""
    metric.reset()
    for real, order in ((True, torch.arange(128)), (False, torch.randperm(128, generator=torch.Generator().manual_seed(0)))):
        for batch in images[order].split(32):
            metric.update(batch, real=real)
    result = metric.compute()
    return round(float(result[0] if isinstance(result, tuple) else result), 4)


batches = network[1].num_batches_tracked.item()
found = {"eval": (of_itself(model.fid), of_itself(model.kid))}
untouched = network[1].num_batches_tracked.item() == batches
model.train()
found["train"] = (of_itself(model.fid), of_itself(model.kid))
seen = network[1].num_batches_tracked.item() - batches
as_found = abs(found["eval"][0]) < 1e-3 and found["train"][0] > 0.1 and untouched and seen == 16
observed = f"FID and KID of 128 images with themselves: {found}; the network's batch statistics took in {seen} batches meanwhile"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
