#!/usr/bin/env bash
# pyvips keeps what it opened under the file's name: samples that are written anew under the same names, as after every epoch,
# are read as those of the first epoch, and a metric over them stands still. revalidate=True reads the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 pyvips==3.2.0 pyvips-binary==8.18.7
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "pillow", "pyvips", "pyvips-binary")
EXPECTED = "new_from_file shows what is in the file when it is called"

import os

import numpy as np
import pyvips
from PIL import Image


def epochs(ending, **options):
    """The mean grey of three samples after each of three epochs; those of the last epoch are larger too."""
    found = []
    for epoch in range(3):
        names = [f"sample{index}.{ending}" for index in range(3)]
        for index, name in enumerate(names):
            Image.fromarray(np.full((32 + 8 * (epoch == 2),) * 2, 80 * epoch + index, np.uint8)).save(name)
            os.utime(name, (1e9 + 60 * epoch,) * 2)
        found.append(round(float(np.mean([pyvips.Image.new_from_file(name, **options).numpy().mean() for name in names]))))
    return found


kept, fresh = {ending: epochs(ending) for ending in ("png", "tif")}, epochs("png", revalidate=True)
as_found = set(map(tuple, kept.values())) == {(1, 1, 1)} and fresh == [1, 81, 161]
observed = f"mean of the samples after each epoch: {kept}; with revalidate=True {fresh}; the files have [1, 81, 161]"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
