#!/usr/bin/env bash
# A learning rate given as a tensor, as compiled optimizers want it, is not copied: two optimizers made with the same tensor
# have one rate, and torch's schedulers write into it. Each of the two schedules also moves the rate of the other network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch",)
EXPECTED = "a scheduler of the generator's optimizer does not change the rate of the discriminator's"

import torch
from torch.optim.lr_scheduler import ExponentialLR


def rates(rate):
    """Rates after three steps with a schedule of the first alone, then the factor for the second in two with one of its own."""
    generator, discriminator = (torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=rate) for _ in range(2))
    schedules = [ExponentialLR(generator, 0.5)]
    for _ in range(3):
        generator.step()
        discriminator.step()
        schedules[0].step()
    one = [float(optimizer.param_groups[0]["lr"]) for optimizer in (generator, discriminator)]
    schedules.append(ExponentialLR(discriminator, 0.5))
    before = one[1]
    for _ in range(2):
        generator.step()
        discriminator.step()
        for schedule in schedules:
            schedule.step()
    return one, float(discriminator.param_groups[0]["lr"]) / before


found = {"a float": rates(1.0), "a tensor": rates(torch.tensor(1.0))}
as_found = found["a float"] == ([0.125, 1.0], 0.25) and found["a tensor"] == ([0.125, 0.125], 0.0625)
observed = (
    "rates of both after three steps in which the generator's alone is halved, and the factor for the discriminator's "
    f"in two steps in which each is halved: {found}"
)

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
