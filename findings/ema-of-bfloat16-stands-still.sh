#!/usr/bin/env bash
# An average of bfloat16 weights is kept in bfloat16. At a decay of 0.999 its step rounds to nothing unless the weights change
# by several times their size: the average stays where it began, without a word, in torch, diffusers, torch-ema and ema-pytorch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 torch-ema==0.3 diffusers==0.42.1 ema-pytorch==0.8.3
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torch-ema", "diffusers", "ema-pytorch")
EXPECTED = "the average of a bfloat16 network follows its weights to the precision of bfloat16, 0.4 percent"

import torch
from diffusers.training_utils import EMAModel
from ema_pytorch import EMA
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch_ema import ExponentialMovingAverage


def followed(dtype):
    """The share of a change of the weights from 1 to 1.5 that the averages have made after 3,000 updates: 0.95 is right."""
    net = torch.nn.Linear(8, 8, bias=False).to(dtype)
    net.weight.data.fill_(1.0)
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.999))
    diffusers = EMAModel(net.parameters(), decay=0.999, min_decay=0.999)
    torch_ema = ExponentialMovingAverage(net.parameters(), decay=0.999, use_num_updates=False)
    pytorch = EMA(net, beta=0.999, update_after_step=0, update_every=1, inv_gamma=1e-9)
    updates = (
        lambda: averaged.update_parameters(net), lambda: diffusers.step(net.parameters()),
        torch_ema.update, pytorch.update,
    )
    for step in range(3010):
        for update in updates:
            update()
        if step == 9:
            net.weight.data.fill_(1.5)
    weights = {
        "torch": averaged.module.weight, "diffusers": diffusers.shadow_params[0],
        "torch-ema": torch_ema.shadow_params[0], "ema-pytorch": pytorch.ema_model.weight,
    }
    return {name: round((weight.float().mean().item() - 1) / 0.5, 2) for name, weight in weights.items()}


found = {"float32": followed(torch.float32), "bfloat16": followed(torch.bfloat16)}
as_found = min(found["float32"].values()) > 0.9 and max(found["bfloat16"].values()) == 0
observed = f"share of a change of the weights by a half that the average has made after 3,000 updates at 0.999: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
