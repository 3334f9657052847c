#!/usr/bin/env bash
# torch-fidelity 0.4.0 leaves its Inception network in float32 where feature_extractor_internal_dtype asks for float64: the
# features are no more exact than without the option.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 torch-fidelity==0.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow", "torch-fidelity")
EXPECTED = "with feature_extractor_internal_dtype='float64' the network has float64 weights"

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchvision
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

torch.manual_seed(0)
drawn = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, init_weights=False)
torch.save(drawn.state_dict(), "drawn.pth")
images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
features = {}
for dtype in ("float32", "float64"):
    network = FeatureExtractorInceptionV3(
        "drawn", ["2048"], feature_extractor_weights_path="drawn.pth", feature_extractor_internal_dtype=dtype
    )
    features[dtype] = network(images)[0]
kind = next(network.parameters()).dtype
as_found = kind == torch.float32 and torch.equal(features["float32"], features["float64"])
observed = f"weights of {kind}; features bit for bit those of float32: {torch.equal(features['float32'], features['float64'])}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
