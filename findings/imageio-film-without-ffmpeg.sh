#!/usr/bin/env bash
# imageio without imageio-ffmpeg hands an .mp4 to whatever other plugin is installed.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q imageio==2.37.0 tifffile==2024.8.30 numpy==2.0.2 pillow==11.3.0
"$folder/env/bin/python" - "$folder/film.mp4" <<'PYTHON'
import sys

import imageio
import numpy
import tifffile

print("imageio", imageio.__version__, "tifffile", tifffile.__version__, "no imageio-ffmpeg")
print("expected: writing an .mp4 stops when it is opened, with a sentence that names the missing ffmpeg plugin")
said = []
try:
    writer = imageio.get_writer(sys.argv[1], mode="I", fps=10, codec="libx264")
    print("opened with", type(writer).__name__)
    writer.append_data(numpy.zeros((16, 16, 3), dtype=numpy.uint8))
except Exception as error:
    said.append(f"{type(error).__name__}: {error}")
print("seen:", said)
sys.exit(not (said and "unexpected keyword argument" in said[0] and "ffmpeg" not in said[0].lower()))
PYTHON
