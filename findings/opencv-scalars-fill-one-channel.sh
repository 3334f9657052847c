#!/usr/bin/env bash
# A number for a colour is that of the first channel in OpenCV's copyMakeBorder, warpAffine, max and min: 255 pads a colour image
# with (255, 0, 0), max(image, 50) raises the first alone. In add and multiply it is for all. Known: opencv/opencv#16739.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 opencv-python-headless==5.0.0.93
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "opencv-python-headless")
EXPECTED = "a number stands for all three channels: 255 pads with white, max(image, 50) leaves nothing below 50"

import cv2
import numpy as np

image = np.full((8, 8, 3), 20, np.uint8)
shift = np.array([[1, 0, 2], [0, 1, 2]], np.float32)
found = {
    "copyMakeBorder(value=255)": cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255),
    "warpAffine(borderValue=255)": cv2.warpAffine(image, shift, (8, 8), borderValue=255),
    "max(image, 50)": cv2.max(image, 50),
    "min(image, 10)": cv2.min(image, 10),
    "add(image, 50)": cv2.add(image, 50),
    "multiply(image, 2)": cv2.multiply(image, 2),
}
found = {name: result[0, 0].tolist() for name, result in found.items()}
as_found = list(found.values()) == [[255, 0, 0], [255, 0, 0], [50, 20, 20], [10, 0, 0], [70, 70, 70], [40, 40, 40]]
observed = f"the first pixel, where the image has 20 in each channel: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
