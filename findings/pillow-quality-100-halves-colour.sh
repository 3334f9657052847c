#!/usr/bin/env bash
# quality=100 is not nearly lossless in Pillow: JPEG, WebP and AVIF keep colour at half the resolution. Samples saved so
# lose the high frequencies of colour; subsampling=0 (JPEG), '4:4:4' (AVIF) and lossless=True (WebP) keep them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "pillow")
EXPECTED = "an image saved at quality=100 differs from the original by rounding: more than 45 dB"

import io

import numpy as np
from PIL import Image

random, (y, x) = np.random.default_rng(0), np.mgrid[:256, :256]
waves = np.stack([127 + 60 * np.sin(x / 9 + 2 * k) + 40 * np.cos(y / 13) for k in range(3)], -1)
colour = (waves + random.normal(0, 20, waves.shape)).clip(0, 255).astype(np.uint8)
grey = np.repeat(colour[..., :1], 3, axis=-1)


def decibels(image, form, **options):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, form, quality=100, **options)
    with Image.open(stream) as saved:
        error = np.mean((np.asarray(saved.convert("RGB"), float) - image) ** 2)
    return round(float(10 * np.log10(255**2 / max(error, 1e-9))), 1)


FULL = {"JPEG": {"subsampling": 0}, "AVIF": {"subsampling": "4:4:4"}, "WEBP": {"lossless": True}}
default = {form: decibels(colour, form) for form in FULL}
of_grey = {form: decibels(grey, form) for form in FULL}
full = {form: decibels(colour, form, **options) for form, options in FULL.items()}
as_found = max(default.values()) < 30 and min(of_grey.values()) > 45 and min(full.values()) > 45
observed = f"PSNR, quality=100: colour {default}, grey {of_grey}; colour with {FULL}: {full}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
