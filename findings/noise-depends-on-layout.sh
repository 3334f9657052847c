#!/usr/bin/env bash
# The numbers that a seed draws on a CPU depend on more than the seed: on the memory format (randn_like of a channels_last
# image), on the batch size (the last 16 of a tensor whose size is no multiple of 16), on the type (float64). Samples "of one
# seed" by two scripts are then no pairs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch",)
EXPECTED = "one seed gives an image the same latent and the same noise in any batch, memory format and precision"

import torch


def drawn(draw):
    torch.manual_seed(0)
    return draw()


def differing(one, other):
    return int(((one.double() - other.double()).abs() > 0.1).sum())


image = torch.zeros(2, 3, 8, 8)
noise = drawn(lambda: torch.randn_like(image))
formats = differing(noise, drawn(lambda: torch.randn_like(image.to(memory_format=torch.channels_last))))
latent = drawn(lambda: torch.randn(64, 100))[0]
batches = {size: differing(drawn(lambda: torch.randn(size, 100))[0], latent) for size in (1, 2, 4)}
single = drawn(lambda: torch.randn(512))
types = {str(kind): differing(drawn(lambda: torch.randn(512, dtype=kind)), single) for kind in (torch.float64, torch.bfloat16)}
as_found = formats > 300 and batches[1] > 10 and batches[4] == 0 and types["torch.float64"] > 400 and types["torch.bfloat16"] == 0
observed = (
    f"numbers that differ: {formats} of {noise.numel()} in channels_last; of the 100 of the first latent, by size of the batch, "
    f"from those in a batch of 64: {batches}; of 512, by type, from float32: {types}"
)

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
