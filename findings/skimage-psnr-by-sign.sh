#!/usr/bin/env bash
# peak_signal_noise_ratio of scikit-image takes the range of float images from the sign of the least pixel of the true one: in a
# set in [-1, 1] the images without a dark pixel get 6 dB less, and in [0, 1] one pixel of -0.001 gives 6 dB more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 scikit-image==0.26.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "scikit-image")
EXPECTED = "the same error gives the same PSNR whatever the image shows"

import warnings

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

warnings.simplefilter("error")
random = np.random.default_rng(0)
error = random.normal(0, 0.02, (64, 64))
images = {"dark": random.uniform(-0.9, 0.5, (64, 64)), "bright": random.uniform(0.1, 0.9, (64, 64))}
images["bright with one pixel of -0.001"] = images["bright"].copy()
images["bright with one pixel of -0.001"][0, 0] = -0.001


def decibels(true, **options):
    return round(float(peak_signal_noise_ratio(true, true + error, **options)), 2)


found = {name: decibels(true) for name, true in images.items()}
given = {decibels(true, data_range=2) for true in images.values()}
dark, bright, overshot = found.values()
as_found = dark == overshot and 6 < dark - bright < 6.1 and given == {dark}
observed = f"PSNR in dB at one error: {found}; with data_range=2 {given}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
