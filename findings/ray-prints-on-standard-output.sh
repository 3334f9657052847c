#!/usr/bin/env bash
# With log_to_driver=False Ray still prints its own messages on the script's standard output, when a worker is killed for
# one: a script that prints JSON there gives something that no parser takes.
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
EXPECTED = "messages of Ray go to standard error, or nowhere with log_to_driver=False"

import contextlib
import io
import logging
import os
import signal
import time

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import ray

ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)


@ray.remote(max_retries=0)
def killed():
    os.kill(os.getpid(), signal.SIGKILL)  # what the system does for want of memory


printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    try:
        ray.get(killed.remote())
    except ray.exceptions.WorkerCrashedError:
        pass
    time.sleep(5)
as_found = "worker died" in printed.getvalue()
observed = f"on standard output: {printed.getvalue()[:100]!r}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
