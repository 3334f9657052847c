#!/usr/bin/env bash
# In datasets' map, an image that is edited in place (Image.thumbnail, ImageDraw, paste) is stored as the file it was read
# from: the resize that the function made is gone. A method that returns a new image works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 datasets==5.2.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "pillow", "datasets")
EXPECTED = "after map with Image.thumbnail((32, 32)) the images are 32x32"

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = "cache"
import datasets
import numpy as np
from PIL import Image

datasets.disable_progress_bars()
folder = Path("images")
folder.mkdir()
Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / "a.png")
images = datasets.load_dataset("imagefolder", data_dir="images", split="train")


def in_place(example):
    example["image"].thumbnail((32, 32))
    return {"image": example["image"]}


found = {
    "thumbnail": images.map(in_place)[0]["image"].size,
    "resize": images.map(lambda example: {"image": example["image"].resize((32, 32))})[0]["image"].size,
}
as_found = found == {"thumbnail": (64, 64), "resize": (32, 32)}
observed = f"sizes after map: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
