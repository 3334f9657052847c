#!/usr/bin/env bash
# MetricCollection of torchmetrics lets metrics share their state where it is equal after the first batch: if that holds equal
# images, MS-SSIM is SSIM for good, and if nothing in it needs clamping, PSNR with and without are one. compute_groups=False is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 torchmetrics==1.9.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchmetrics")
EXPECTED = "a metric in a collection has the value that it has alone, whatever the first batch is"

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchmetrics import MetricCollection
from torchmetrics.image import MultiScaleStructuralSimilarityIndexMeasure, PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure

torch.manual_seed(0)
real = torch.rand(6, 1, 192, 192)
fake = real + 0.2 * torch.randn_like(real)
first = {"equal": (real[:2], real[:2]), "within [0, 1]": (real[:2] * 0.9, real[:2])}
pairs = {
    "equal": lambda: {
        "SSIM": StructuralSimilarityIndexMeasure(data_range=1.0),
        "MS-SSIM": MultiScaleStructuralSimilarityIndexMeasure(data_range=1.0),
    },
    "within [0, 1]": lambda: {
        "PSNR": PeakSignalNoiseRatio(data_range=1.0),
        "PSNR, clamped": PeakSignalNoiseRatio(data_range=(0.0, 1.0)),
    },
}


def values(metrics, batch):
    for metric in metrics.values() if isinstance(metrics, dict) else [metrics]:
        metric.update(*batch)
        metric.update(fake[2:], real[2:])
    computed = metrics.compute() if isinstance(metrics, MetricCollection) else {k: m.compute() for k, m in metrics.items()}
    return {name: round(float(value), 3) for name, value in sorted(computed.items())}


alone = {name: values(make(), first[name]) for name, make in pairs.items()}
together = {name: values(MetricCollection(make()), first[name]) for name, make in pairs.items()}
without = {name: values(MetricCollection(make(), compute_groups=False), first[name]) for name, make in pairs.items()}
as_found = without == alone and all(len(set(alone[name].values())) == 2 and len(set(together[name].values())) == 1 for name in pairs)
observed = f"by the first batch: alone {alone}, in a collection {together}, the same with compute_groups=False as alone: {without == alone}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
