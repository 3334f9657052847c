#!/usr/bin/env bash
# The same decay of 0.999 is three averages: torch-ema and diffusers begin with a far shorter memory, ema-pytorch starts at
# step 100 and averages every tenth, only torch's AveragedModel is the formula. Generators compared across trainers differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 torch-ema==0.3 diffusers==0.42.1 ema-pytorch==0.8.3
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy", "torch-ema", "diffusers", "ema-pytorch")
EXPECTED = "decay=0.999 gives the same average of a weight that grows from 1 to 1000"

import torch
from diffusers.training_utils import EMAModel
from ema_pytorch import EMA
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch_ema import ExponentialMovingAverage

net = torch.nn.Linear(1, 1, bias=False)
net.weight.data.fill_(0.0)
torch_ema = ExponentialMovingAverage(net.parameters(), decay=0.999)
diffusers = EMAModel(net.parameters(), decay=0.999)
pytorch = EMA(net, beta=0.999)
averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.999))
formula = 0.0
for step in range(1, 1001):
    net.weight.data.fill_(float(step))
    torch_ema.update()
    diffusers.step(net.parameters())
    pytorch.update()
    averaged.update_parameters(net)
    formula = 0.999 * formula + 0.001 * step
found = {
    "formula": formula, "torch": float(averaged.module.weight), "torch-ema": float(torch_ema.shadow_params[0]),
    "diffusers": float(diffusers.shadow_params[0]), "ema-pytorch": float(pytorch.ema_model.weight),
}
as_found = abs(found["torch"] - formula) < 1 and found["torch-ema"] > 800 and found["diffusers"] > 800 and 450 < found["ema-pytorch"] < 550
observed = {name: round(value) for name, value in found.items()}

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
