#!/usr/bin/env bash
# webdataset takes the name up to the first dot for the key: seed0_psi0.5.png and seed0_psi0.7.png, as generators name
# their samples, become one sample, and half of the images are missing from the count.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 webdataset==1.0.2
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("numpy", "webdataset")
EXPECTED = "six images in a tar are six samples with a png each"

import io
import tarfile
import warnings

import webdataset

warnings.simplefilter("ignore")
with tarfile.open("samples.tar", "w") as tar:
    for seed in range(3):
        for psi in (0.5, 0.7):
            member = tarfile.TarInfo(f"seed{seed}_psi{psi}.png")
            member.size = 4
            tar.addfile(member, io.BytesIO(b"data"))
samples = list(webdataset.WebDataset("samples.tar", shardshuffle=False))
fields = [sorted(name for name in sample if not name.startswith("__")) for sample in samples]
as_found = fields == [["5.png", "7.png"]] * 3
observed = f"{len(samples)} samples with the fields {fields[0]}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
