#!/usr/bin/env bash
# load_state_dict of torch's schedulers restores the length too: a training that is resumed with a longer T_max keeps the old one,
# and CosineAnnealingLR, already at its end, rises again to the full rate. Nothing warns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch",)
EXPECTED = "a schedule built for 20 steps that resumes at step 10 goes down from there to step 20, or warns"

import warnings

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR


def resumed(make, longer):
    """The rates of ten more steps, of twenty, after a training of ten."""
    weights = [torch.nn.Parameter(torch.zeros(1))]
    states = None
    for total in (10, longer):
        optimizer = torch.optim.Adam(weights, lr=1.0)
        scheduler = make(optimizer, total)
        if states:
            optimizer.load_state_dict(states[0])
            scheduler.load_state_dict(states[1])
        rates = []
        for _ in range(10):
            optimizer.step()
            scheduler.step()
            rates.append(round(optimizer.param_groups[0]["lr"], 3))
        states = optimizer.state_dict(), scheduler.state_dict()
    return rates


with warnings.catch_warnings():
    warnings.simplefilter("error")
    cosine = resumed(CosineAnnealingLR, 20)
    same = resumed(CosineAnnealingLR, 10)
    linear = resumed(lambda optimizer, total: LinearLR(optimizer, 1.0, 0.01, total_iters=total), 20)
as_found = cosine == same == sorted(cosine) and cosine[-1] > 0.99 and set(linear) == {0.01}
observed = f"CosineAnnealingLR, built with T_max=20 and resumed after 10 steps of T_max=10: {cosine}; LinearLR: {linear}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
