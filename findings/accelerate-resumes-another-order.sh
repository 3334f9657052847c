#!/usr/bin/env bash
# accelerate's recipe for resuming in the middle of an epoch, load_state and skip_first_batches, draws a new order by default: the
# batches that it skips are not those that were seen. With use_seedable_sampler=True, the same seed and set_epoch it is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 accelerate==1.15.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "accelerate")
EXPECTED = "the rest of an interrupted epoch has the images that were not seen, each once"

import tempfile

import torch
from accelerate import Accelerator, skip_first_batches
from accelerate.state import AcceleratorState
from accelerate.utils import DataLoaderConfiguration, set_seed


def prepared(**options):
    AcceleratorState._reset_state(True)
    set_seed(0)
    accelerator = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(**options))
    loader = torch.utils.data.DataLoader(torch.arange(256), batch_size=8, shuffle=True)
    return accelerator, *accelerator.prepare(torch.nn.Linear(1, 1), loader)


def resumed(**options):
    """Images of the second epoch that were seen twice, and never, where it was interrupted in the middle."""
    accelerator, net, loader = prepared(**options)
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(2):
            loader.set_epoch(epoch)
            for number, batch in enumerate(loader):
                if epoch == 1 and number == 16:
                    accelerator.save_state(folder)
                    break
                seen += batch.tolist() if epoch == 1 else []
        accelerator, net, loader = prepared(**options)
        accelerator.load_state(folder)
    loader.set_epoch(1)
    rest = [index for batch in skip_first_batches(loader, 16) for index in batch.tolist()]
    return len(set(seen) & set(rest)), len(set(range(256)) - set(seen) - set(rest))


default, seedable = resumed(), resumed(use_seedable_sampler=True)
as_found = min(default) > 32 and seedable == (0, 0)
observed = f"of 256 images of the interrupted epoch, seen twice and never: {default}, with use_seedable_sampler=True {seedable}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
