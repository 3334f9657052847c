#!/usr/bin/env bash
# visdom's newest release builds only beside a setuptools that still has pkg_resources.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
pip="$folder/env/bin/pip"
echo "visdom 0.2.4; expected: pip install visdom works with any setuptools"
for setuptools in 81.0.0 82.0.0; do
    "$pip" install -q "setuptools==$setuptools" wheel==0.45.1
    if "$pip" wheel -q --no-deps --no-build-isolation --no-binary visdom --no-cache-dir -w "$folder" visdom==0.2.4 \
        >"$folder/log" 2>&1; then
        built=yes
    else
        built=no
    fi
    echo "seen: with setuptools $setuptools built: $built; $(grep -m1 -o "No module named 'pkg_resources'" "$folder/log" || true)"
    eval "built_${setuptools%%.*}=$built"
done
[ "$built_81" = yes ] && [ "$built_82" = no ]
