#!/usr/bin/env bash
# Averages of weights that average the buffers too, as timm's and ema_pytorch do by default, average the two vectors of
# spectral_norm: their average is shorter than 1, the norm that is divided by is too small, and the averaged weights too large.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 timm==1.0.31 ema-pytorch==0.8.3
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "timm", "ema-pytorch")
EXPECTED = "a layer under spectral normalisation has the norm 1 in the averaged network as in the live one, nearly"

import copy

import torch

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from ema_pytorch import EMA
from timm.utils import ModelEmaV3
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(0)
sizes = (3, 32, 32, 3)
layers = [spectral_norm(nn.Conv2d(a, b, 3, padding=1)) for a, b in zip(sizes, sizes[1:])]
net = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
net(torch.randn(1, 3, 16, 16))
rule = get_ema_multi_avg_fn(0.995)
averages = {
    "AveragedModel": AveragedModel(net, multi_avg_fn=rule),
    "AveragedModel(use_buffers=True)": AveragedModel(net, multi_avg_fn=rule, use_buffers=True),
    "timm": ModelEmaV3(net, decay=0.995),
    "ema_pytorch": EMA(net, beta=0.995, update_after_step=0, update_every=1),
}
optimizer = torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.0, 0.99))
for step in range(1000):
    noise = torch.randn(4, 3, 8, 8)
    optimizer.zero_grad()
    (net(noise) - noise.roll(1, dims=3)).square().mean().backward()
    optimizer.step()
    for name, average in averages.items():
        if name == "ema_pytorch":
            average.update()
        elif name == "timm":
            average.update(net)
        else:
            average.update_parameters(net)


def norms(model):
    """The largest singular value of each layer's weight in use, by the matrix that spectral normalisation takes."""
    model = copy.deepcopy(model).eval()
    return [round(torch.linalg.matrix_norm(model[i].weight.detach().flatten(1), 2).item(), 2) for i in (0, 2, 4)]


found = {"live": norms(net)}
for name, average in averages.items():
    found[name] = norms(average.ema_model if name == "ema_pytorch" else average.module)

plain = ("live", "AveragedModel")
as_found = all(max(found[name]) < 1.5 if name in plain else max(found[name]) > 1.5 for name in found)
observed = f"spectral norm of each layer's weight: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
