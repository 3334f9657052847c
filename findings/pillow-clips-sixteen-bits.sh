#!/usr/bin/env bash
# convert("RGB") of Pillow, by which FID packages read images, clips 16-bit grey and float images instead of scaling them:
# a microscope's or CT's PNG becomes white, a float TIFF in [0, 1] black, and their FID is a number all the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 tifffile==2026.3.3
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "pillow", "tifffile")
EXPECTED = "a ramp over the whole range keeps its shades in 8 bits"

import numpy as np
import tifffile
from PIL import Image

ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, axis=0)
Image.fromarray(ramp).save("grey.png")
tifffile.imwrite("float.tif", np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(8, axis=0))
shades = {
    name: np.unique(np.asarray(Image.open(name).convert("RGB"))).tolist() for name in ("grey.png", "float.tif")
}
as_found = shades == {"grey.png": [0, 255], "float.tif": [0, 1]}
observed = f"shades that are left: {shades}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
