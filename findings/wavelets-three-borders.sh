#!/usr/bin/env bash
# The three wavelet packages extend an image differently by default (PyWavelets symmetric, ptwt reflect, pytorch_wavelets
# zero): from db2 on their coefficients differ at the border by as much as they are large, and so do wavelet losses.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'setuptools<81' torch==2.13.0 numpy==2.4.6 scipy==1.17.1 PyWavelets==1.9.0 ptwt==1.0.1 pytorch-wavelets==1.3.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy", "scipy", "PyWavelets", "ptwt", "pytorch-wavelets")
EXPECTED = "the approximation of one image is the same with each package's defaults"

import warnings

warnings.simplefilter("ignore")
import numpy as np
import ptwt
import pywt
import torch
from pytorch_wavelets import DWTForward

image = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
tensor = torch.from_numpy(image)


def differences(wavelet, **mode):
    reference = pywt.wavedec2(image, wavelet, level=2, **mode)[0]
    low, _ = DWTForward(J=2, wave=wavelet, **mode)(tensor[None, None])
    others = {"ptwt": ptwt.wavedec2(tensor, wavelet, level=2, **mode)[0], "pytorch_wavelets": low}
    return {name: round(float(np.abs(other.numpy().squeeze() - reference).max()), 3) for name, other in others.items()}


haar, db2, agreed = differences("haar"), differences("db2"), differences("db2", mode="symmetric")
as_found = max(haar.values()) < 0.01 and min(db2.values()) > 1 and max(agreed.values()) < 0.01
observed = f"greatest difference from PyWavelets: haar {haar}, db2 {db2}, db2 with mode='symmetric' {agreed}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
