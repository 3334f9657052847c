#!/usr/bin/env bash
# pytorch-fid finds images by endings in lower case and leaves out the .JPG and .PNG of cameras; torch-fidelity takes those
# and leaves out .webp and .tif. The two measure different sets of one folder, without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 pytorch-fid==0.3.0 torch-fidelity==0.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow", "pytorch-fid", "torch-fidelity")
EXPECTED = "each package counts all seven images of a folder"

from pathlib import Path

import numpy as np
import torch
from PIL import Image

try:
    import torchvision
except RuntimeError:  # a torch without CUDA lacks torchvision's operators, of which none is used here
    library = getattr(torch, "library").Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from pytorch_fid.fid_score import IMAGE_EXTENSIONS
from torch_fidelity import utils

random = np.random.default_rng(0)
folder = Path("images")
folder.mkdir()
for name in ("a.png", "b.PNG", "c.jpg", "d.JPG", "e.jpeg", "f.webp", "g.tif"):
    Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / name)
one = sorted(path.name for ending in IMAGE_EXTENSIONS for path in folder.glob(f"*.{ending}"))
other = sorted(Path(path).name for path in utils.glob_samples_paths(str(folder), False, "png,jpg,jpeg", verbose=False))
as_found = one == ["a.png", "c.jpg", "e.jpeg", "f.webp", "g.tif"] and len(other) < 7
observed = f"pytorch-fid {one}, torch-fidelity with its default endings {other}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
