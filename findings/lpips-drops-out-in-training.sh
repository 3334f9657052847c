#!/usr/bin/env bash
# The linear layers of lpips have dropout of 0.5. LPIPS() begins in eval mode, but the train() of a model that holds it turns the
# dropout on: the distance of one pair differs from call to call, and the loss has noise. Set it to eval after each train().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 scipy==1.17.1 tqdm==4.70.1 lpips==0.1.4
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "tqdm", "lpips")
EXPECTED = "a distance of LPIPS is a function of the two images, in a model that is in training mode as well"

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
model = torch.nn.Module()
model.loss = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
image, other = torch.rand(2, 1, 3, 64, 64) * 2 - 1


@torch.no_grad()
def distances():
    return torch.stack([model.loss(image, other).squeeze() for _ in range(20)])


begins = model.loss.training
before = distances()
model.train()
training = distances()
model.loss.eval()
after = distances()
as_found = not begins and before.std() == 0 and torch.equal(before, after) and training.std() / before[0] > 0.01
spans = [f"{min(each):.4f} to {max(each):.4f}" for each in (before, training, after)]
observed = f"distance of one pair in 20 calls: {spans[0]} as made, {spans[1]} after model.train(), {spans[2]} after loss.eval()"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
