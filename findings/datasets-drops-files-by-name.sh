#!/usr/bin/env bash
# load_dataset("imagefolder") of datasets makes splits from words in file names: where some images are called *_test_* or
# val-*, those are the only ones that are loaded, and all the others are left out without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 datasets==5.2.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "pillow", "datasets")
EXPECTED = "all nine images are in the dataset, in one split or another"

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = "cache"
import datasets
import numpy as np
from PIL import Image

datasets.disable_progress_bars()
random = np.random.default_rng(0)
folder = Path("images")
folder.mkdir()
for name in [*(f"face_{i}" for i in range(6)), "face_test_0", "face_test_1", "val-0"]:
    Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"{name}.png")
found = {name: len(split) for name, split in datasets.load_dataset("imagefolder", data_dir="images").items()}
as_found = sum(found.values()) == 3
observed = f"{sum(found.values())} of 9 images: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
