#!/usr/bin/env bash
# A pickle that holds a numpy scalar, made under numpy 2, in the releases of numpy 1.26.
#
# Expected: numpy 1.26, the last series before 2, opens it in every release; 1.25 does not.
# Seen with Python 3.11.7, numpy 2.4.6: 1.26.0 does not, 1.26.1 and later ones do.
set -euo pipefail

python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

"$python" -m venv writer
writer/bin/pip install --quiet --disable-pip-version-check numpy==2.4.6
"$python" -m venv reader

writer/bin/python - <<'PYTHON'
import pickle
import sys

import numpy

with open("scalar.pkl", "wb") as file:
    pickle.dump({"best": numpy.float64(3.0)}, file)
print(f"Python {sys.version.split()[0]}, written under numpy {numpy.__version__}")
PYTHON
echo "expected: numpy 1.26.0, 1.26.1 and 1.26.4 open it"

opened=""
for release in 1.26.0 1.26.1 1.26.4; do
    reader/bin/pip install --quiet --disable-pip-version-check "numpy==$release"
    if said=$(reader/bin/python -c 'import pickle; print(pickle.load(open("scalar.pkl", "rb")))' 2>&1); then
        opened+=" $release"
    fi
    echo "numpy $release: $(tail -n 1 <<<"$said")"
done
[ "$opened" = " 1.26.1 1.26.4" ]
