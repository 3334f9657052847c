#!/usr/bin/env bash
# One torch.autocast block around a whole GAN step: after the discriminator's optimizer step, the generator's loss is
# computed with the discriminator's old weights, whose bfloat16 copies stay cached until the block ends.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy")
EXPECTED = "after optimizer.step() a linear layer gives other outputs, inside the block too"

import torch

torch.manual_seed(0)
discriminator = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(discriminator.parameters(), lr=10.0)
images = torch.randn(4, 8)
with torch.autocast("cpu", dtype=torch.bfloat16):
    discriminator(images).mean().backward()
    before = discriminator(images).detach()
    optimizer.step()
    inside = discriminator(images).detach()
with torch.autocast("cpu", dtype=torch.bfloat16):
    after = discriminator(images).detach()
as_found = torch.equal(before, inside) and not torch.equal(before, after)
observed = f"change of the output inside the block {float((inside - before).abs().max())}, in a new block {float((after - before).abs().max())}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
