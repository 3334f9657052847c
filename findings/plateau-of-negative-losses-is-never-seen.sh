#!/usr/bin/env bash
# ReduceLROnPlateau of torch takes a value as better than the best of -1 if it is below -0.9999: a constant negative loss is
# an improvement every time, a rising one is too, and the rate is never reduced. Known: pytorch/pytorch#47513, open since 2020.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch",)
EXPECTED = "a loss that stays at -1, or rises from there, ends the patience like one that stays at 1"

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau


def reductions(losses, **options):
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=5, **options)
    for loss in losses:
        scheduler.step(loss)
    return round(-torch.log2(torch.tensor(optimizer.param_groups[0]["lr"])).item())


found = {
    "constant 1": reductions([1.0] * 60),
    "constant -1": reductions([-1.0] * 60),
    "rising from -1 to -0.9952": reductions([-1.0 + 8e-5 * epoch for epoch in range(60)]),
    "constant -1, threshold_mode='abs'": reductions([-1.0] * 60, threshold_mode="abs"),
}
as_found = list(found.values()) == [9, 0, 0, 9]
observed = f"reductions of the rate in 60 epochs with patience=5: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
