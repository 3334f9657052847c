#!/usr/bin/env bash
# TensorBoard's EventAccumulator, which scripts read logs with, keeps 10,000 scalars of a tag, drawn at random, without a
# word: the best FID of a long training may be missing from what it returns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 'setuptools<81' tensorboard==2.21.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy", "tensorboard")
EXPECTED = "all 20,000 values that were logged are read back"

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

writer = SummaryWriter("logs")
for step in range(20000):
    writer.add_scalar("fid", 1.0 if step == 12345 else 50.0, step)
writer.close()
events = EventAccumulator("logs")
events.Reload()
kept = events.Scalars("fid")
whole = EventAccumulator("logs", size_guidance={"scalars": 0})
whole.Reload()
everything = whole.Scalars("fid")
as_found = len(kept) == 10000 and len(everything) == 20000
observed = f"{len(kept)} values, least {min(one.value for one in kept)}; with size_guidance scalars=0 {len(everything)}, least {min(one.value for one in everything)}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
