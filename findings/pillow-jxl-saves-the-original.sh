#!/usr/bin/env bash
# pillow-jxl-plugin saves an image that was opened from a JPEG by packing the bytes of that file: what was drawn on it, pasted
# or made smaller in place since (ImageDraw, paste, thumbnail) is not in the .jxl. Its warning speaks of a lossless image alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 pillow-jxl-plugin==1.3.8
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "pillow", "pillow-jxl-plugin")
EXPECTED = "a saved .jxl shows the image that was saved"

import warnings

import numpy as np
import pillow_jxl
from PIL import Image, ImageDraw

y, x = np.mgrid[:96, :128]
waves = np.stack([127 + 60 * np.sin(x / 9 + 2 * k) + 40 * np.cos(y / 13) for k in range(3)], -1)
Image.fromarray(waves.astype(np.uint8)).save("real.jpg", quality=95)
warnings.simplefilter("ignore")


def saved(edit, **options):
    image = Image.open("real.jpg")
    edit(image)
    image.save("edited.jxl", **options)
    return image, Image.open("edited.jxl")


def draw(image):
    ImageDraw.Draw(image).rectangle((0, 0, 60, 60), fill=(255, 0, 0))


def decibels(one, other):
    error = np.mean((np.asarray(one.convert("RGB"), float) - np.asarray(other.convert("RGB"), float)) ** 2)
    return round(float(10 * np.log10(255**2 / max(error, 1e-9))), 1)


to_drawn, asked = decibels(*saved(draw)), decibels(*saved(draw, lossless_jpeg=False))
to_original = decibels(Image.open("real.jpg"), saved(draw)[1])
sizes = [image.size for image in saved(lambda image: image.thumbnail((64, 64)))]
as_found = to_drawn < 20 and to_original > 50 and asked > 25 and sizes == [(64, 48), (128, 96)]
observed = (
    f"after drawing, PSNR of the .jxl to the drawn image {to_drawn} dB (with lossless_jpeg=False {asked}), to the JPEG as it was "
    f"{to_original}; a thumbnail of {sizes[0]} is saved as {sizes[1]}"
)

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
