#!/usr/bin/env bash
# A task of Ray has OMP_NUM_THREADS=1 unless it asks for more CPUs, and the processes it starts inherit that: a training
# started from a task computes on one thread, whatever the machine has.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check ray==2.60.0
export HOME="$folder" RAY_TMPDIR="$folder"
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("ray",)
EXPECTED = "a process started in a task may use as many threads as without Ray"

import logging
import os
import subprocess
import sys

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ.pop("OMP_NUM_THREADS", None)
import ray

COMMAND = [sys.executable, "-c", "import os; print(os.environ.get('OMP_NUM_THREADS'))"]


def threads():
    return subprocess.run(COMMAND, capture_output=True, text=True, check=True).stdout.strip()


alone = threads()
ray.init("local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
in_task = ray.get(ray.remote(threads).remote())
as_found = (alone, in_task) == ("None", "1")
observed = f"OMP_NUM_THREADS is {alone} without Ray, {in_task} in a task"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
