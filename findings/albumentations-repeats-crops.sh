#!/usr/bin/env bash
# The workers of a DataLoader inherit the random state of one albumentations Compose, seeded or not, and draw the same crops and
# flips, one as the other; every epoch repeats those of the first, unless the workers are persistent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 albumentations==2.0.8
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "albumentations")
EXPECTED = "twelve random crops of an image differ, and the next epoch has others, with workers as without"

import os
import warnings

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
warnings.simplefilter("ignore")
import albumentations
import numpy as np
import torch

image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


class Crops(torch.utils.data.Dataset):
    def __init__(self):
        self.transform = albumentations.Compose([albumentations.RandomCrop(16, 16)])

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return int(self.transform(image=image)["image"].sum())


def epochs(workers, **options):
    loader = torch.utils.data.DataLoader(Crops(), batch_size=1, num_workers=workers, **options)
    first, second = ([int(one) for one in loader] for _ in range(2))
    return len(set(first)), first == second


found = {"no worker": epochs(0), "3 workers": epochs(3), "3 persistent workers": epochs(3, persistent_workers=True)}
as_found = found["no worker"][0] > 8 and not found["no worker"][1]
as_found = as_found and found["3 workers"][0] < 5 and found["3 workers"][1] and not found["3 persistent workers"][1]
observed = f"different crops of 12, whether the second epoch repeats the first: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
