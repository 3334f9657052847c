#!/usr/bin/env bash
# wandb.Image takes float images for [0, 255]: what a generator gives in [0, 1] is logged as black, without a warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 wandb==0.31.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "pillow", "wandb")
EXPECTED = "a float image in [0, 1] is scaled to [0, 255]"

import warnings

import numpy as np
import wandb

image = np.random.default_rng(0).random((32, 32, 3), dtype=np.float32) * np.float32(0.9)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    logged = np.asarray(wandb.Image(image).image)
as_found = logged.max() == 0 and not warned
observed = f"brightest pixel of 255: {logged.max()}; {len(warned)} warnings"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
