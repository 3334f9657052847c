#!/usr/bin/env bash
# AutoencoderKL.forward of diffusers decodes the posterior's mode unless told otherwise; the code that it was ported from
# samples it. A training loop that calls vae(images) trains an autoencoder without noise, in training mode too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 diffusers==0.42.1
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy", "diffusers")
EXPECTED = "in training mode two passes over one image differ, for the latent is sampled"

import torch
from diffusers import AutoencoderKL

torch.manual_seed(0)
vae = AutoencoderKL(
    block_out_channels=(32,), norm_num_groups=8, down_block_types=("DownEncoderBlock2D",),
    up_block_types=("UpDecoderBlock2D",),
).train()
image = torch.rand(1, 3, 16, 16) * 2 - 1
with torch.no_grad():
    same = float((vae(image).sample - vae(image).sample).abs().max())
    sampled = float((vae(image, sample_posterior=True).sample - vae(image, sample_posterior=True).sample).abs().max())
as_found = same == 0 and sampled > 0
observed = f"greatest difference of two passes {same}, with sample_posterior=True {sampled:.3f}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
