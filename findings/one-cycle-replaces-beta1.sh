#!/usr/bin/env bash
# OneCycleLR and CyclicLR of torch schedule Adam's beta1 as its momentum: betas=(0, 0.99) becomes (0.95, 0.99) as soon as the
# scheduler is made, then 0.85 to 0.95. That cycle_momentum is on is documented, that beta1 is meant and overwritten is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch",)
EXPECTED = "a learning rate scheduler leaves the betas of Adam(betas=(0, 0.99)) as they were given"

import torch
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR


def betas(make):
    """beta1 after the scheduler was made and after each of eight steps."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([parameter], lr=2e-4, betas=(0.0, 0.99))
    scheduler = make(optimizer)
    found = []
    for _ in range(9):
        found.append(round(optimizer.param_groups[0]["betas"][0], 3))
        optimizer.step()
        scheduler.step()
    return found


found = {
    "OneCycleLR": betas(lambda optimizer: OneCycleLR(optimizer, max_lr=1e-3, total_steps=10)),
    "CyclicLR": betas(lambda optimizer: CyclicLR(optimizer, 1e-4, 1e-3, step_size_up=4)),
    "without": betas(lambda optimizer: OneCycleLR(optimizer, max_lr=1e-3, total_steps=10, cycle_momentum=False)),
}
one, cyclic, off = found.values()
as_found = one[0] == 0.95 and cyclic[0] == 0.9 and min(one) == 0.85 and min(cyclic) == 0.8 and set(off) == {0.0}
observed = f"beta1 at the steps 0 to 8, at the end without cycle_momentum: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
