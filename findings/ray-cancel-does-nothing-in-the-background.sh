#!/usr/bin/env bash
# ray.cancel sends a task Ctrl-C. Where the script that started Ray ignores Ctrl-C, as everything does that a shell script
# or nohup starts in the background, the workers ignore it too: the task goes on to its end, and no error says so.
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
EXPECTED = "a cancelled task ends early whether or not its script runs in the background"

import logging
import os
import signal
import time

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a shell does to what it starts with &
import ray

ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)


@ray.remote(max_retries=0)
def train():
    try:
        for _ in range(100):
            time.sleep(0.1)
    except KeyboardInterrupt:
        return "interrupted"
    return "went on to its end"


task = train.remote()
time.sleep(5)
ray.cancel(task)
try:
    found = ray.get(task)
except ray.exceptions.TaskCancelledError:
    found = "cancelled"
as_found = found == "went on to its end"
observed = f"the task that was cancelled {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
