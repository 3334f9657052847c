#!/usr/bin/env bash
# Dataset.from_generator of datasets stores what the generator gave under a hash of its code and arguments: samples that are written
# anew into the same folder are not read again, not even by a later process, and a metric over them stands still.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 datasets==5.2.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("datasets", "numpy")
EXPECTED = "a generator that reads a folder is run anew in a new process, and shows the folder's files"

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

os.environ["HF_HOME"] = "cache"
os.environ["HF_HUB_OFFLINE"] = "1"
folder = Path("samples")
folder.mkdir()
Path("measure.py").write_text(
    "from pathlib import Path\n"
    "import datasets\n"
    "import numpy as np\n"
    "from PIL import Image\n"
    "datasets.disable_progress_bars()\n"
    "def rows(folder):\n"
    "    for path in sorted(Path(folder).glob('*.png')):\n"
    "        yield {'mean': int(np.asarray(Image.open(path)).mean())}\n"
    "print(list(datasets.Dataset.from_generator(rows, gen_kwargs={'folder': 'samples'})['mean']))\n"
)
found = []
for level, count in ((10, 3), (200, 5)):  # the samples of two epochs, the second with more files
    for number in range(count):
        Image.fromarray(np.full((8, 8, 3), level + number, np.uint8)).save(folder / f"{number}.png")
    found.append(subprocess.run([sys.executable, "measure.py"], check=True, capture_output=True, text=True).stdout.strip())
as_found = found == ["[10, 11, 12]"] * 2
observed = f"means of the images as two processes saw them: {found[0]} for 10 to 12, {found[1]} for 200 to 204"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
