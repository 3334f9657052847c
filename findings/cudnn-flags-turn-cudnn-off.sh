#!/usr/bin/env bash
# One would guess: torch.backends.cudnn.flags(allow_tf32=False) forbids TF32 in the block, and changes nothing else.
# What happens: every flag that is not given takes the default of the function, and that of `enabled` is False, so
# cuDNN itself is off in the block: convolutions run on torch's own kernels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch

print("torch", torch.__version__)
before = torch.backends.cudnn.enabled
with torch.backends.cudnn.flags(allow_tf32=False):
    inside = torch.backends.cudnn.enabled
print(f"expected: cudnn.enabled is {before} before the block and in it")
print(f"seen: {before} before, {inside} in it")
sys.exit(0 if before and not inside else 1)
PYTHON
