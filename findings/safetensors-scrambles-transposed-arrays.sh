#!/usr/bin/env bash
# safetensors.numpy 0.8 writes the memory of an array as it lies: one that is transposed, strided or in Fortran's order, as PCA and
# linear algebra return them, comes back with the right shape and its numbers in other places.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 safetensors==0.8.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "safetensors")
EXPECTED = "an array is the same after save and load, whatever its layout, or refused"

import numpy as np
from safetensors.numpy import load, save

features = np.random.default_rng(0).standard_normal((100, 64)).astype(np.float32)
arrays = {
    "as made": features,
    "transposed": features.T,
    "in Fortran's order": np.asfortranarray(features),
    "every second column": features[:, ::2],
}
kept = {name: bool(np.array_equal(load(save({"x": array}))["x"], array)) for name, array in arrays.items()}
back = load(save({"x": arrays["in Fortran's order"]}))["x"]
covariance = np.cov(features, rowvar=False)
error = np.linalg.norm(np.cov(back, rowvar=False) - covariance) / np.linalg.norm(covariance)
as_found = kept.pop("as made") and not any(kept.values()) and error > 0.1
observed = f"equal after save and load: {kept}; relative error of the covariance of features in Fortran's order: {error:.2f}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
