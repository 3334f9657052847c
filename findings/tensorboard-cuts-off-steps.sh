#!/usr/bin/env bash
# SummaryWriter takes a fractional global_step without a word and cuts it off: FID at 0.2, 0.4 and 0.9 kimg are three
# values of step 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'setuptools<81' torch==2.13.0 numpy==2.4.6 tensorboard==2.21.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "tensorboard")
EXPECTED = "a fractional step is kept, or refused"

import warnings

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

STEPS = (0.2, 0.4, 0.9, 1.3, 1.9)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    with SummaryWriter("run") as writer:
        for step in STEPS:
            writer.add_scalar("fid", 100 - step, global_step=step)
about_steps = [str(warning.message) for warning in warned if "step" in str(warning.message)]
events = EventAccumulator("run")
events.Reload()
read = [event.step for event in events.Scalars("fid")]
as_found = read == [int(step) for step in STEPS] and not about_steps
observed = f"written at {list(STEPS)}, read at {read}, warnings about steps: {about_steps}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
