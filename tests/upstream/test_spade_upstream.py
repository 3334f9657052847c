"""The real SPADE, on the CPU: FFL_SPADE=/path/to/clone pytest -m upstream

The clone needs what its README asks for: models/networks/sync_batchnorm.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from real_clone import Clone, CloneOf

pytestmark = [pytest.mark.upstream, pytest.mark.timeout(1800)]

SMALL = ["--dataset_mode", "coco", "--crop_size", "64", "--load_size", "64", "--ngf", "4", "--gpu_ids", "-1"]
GRADIENTS = r"grad_FFL: ([\d.]+) grad_rest: ([\d.]+)"


@pytest.fixture
def clone(clone_of: CloneOf) -> Clone:
    clone = clone_of("spade", "FFL_SPADE")
    if not (clone.folder / "models" / "networks" / "sync_batchnorm").is_dir():
        pytest.skip("the clone of SPADE lacks models/networks/sync_batchnorm")
    return clone


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Photographs, labels and instances as in COCO-Stuff: four to train, two to test."""
    for split, count in (("train", 4), ("val", 2)):
        for number in range(count):
            random = np.random.default_rng([count, number])
            labels = np.kron(random.integers(0, 182, (4, 4), np.uint8), np.ones((16, 16), np.uint8))
            photograph = np.stack([labels, 255 - labels, labels // 2], axis=-1)
            for kind, pixels, suffix in (
                ("label", labels, "png"),
                ("inst", labels, "png"),
                ("img", photograph, "jpg"),
            ):
                folder = tmp_path / "data" / f"{split}_{kind}"
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(folder / f"{number:03d}.{suffix}")
    return tmp_path / "data"


def train(clone: Clone, data: Path, *flags: str) -> tuple[str, dict[str, torch.Tensor]]:
    """One epoch; what it printed, and the generator it trained."""
    length = ["--niter", "1", "--niter_decay", "0", "--print_freq", "1"]
    losses = ["--ndf", "4", "--no_vgg_loss", "--no_html"]
    run = ["--name", "run", "--dataroot", str(data)]
    result = clone.seeded("train.py", *run, *SMALL, *length, *losses, *flags)
    return result.stdout, torch.load(clone.folder / "checkpoints" / "run" / "latest_net_G.pth")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_training_testing_and_the_monitor(clone: Clone, data: Path) -> None:
    _, upstream = train(clone, data)
    clone.ffl_patch("apply")
    printed, off = train(clone, data, "--ffl-weight=0")
    assert "FFL:" not in printed
    assert same(off, upstream)
    printed, plain = train(clone, data, "--ffl-weight=10")
    assert len(re.findall(r" FFL: [\d.]+", printed)) == 4
    assert not same(plain, upstream)
    printed, monitored = train(clone, data, "--ffl-weight=10", "--ffl-monitor=1")
    found = [(float(ours), float(rest)) for ours, rest in re.findall(GRADIENTS, printed)]
    assert len(found) == 3  # one step late
    assert all(ours > 0 and rest > 0 for ours, rest in found)
    assert same(monitored, plain)
    clone.seeded("test.py", "--name", "run", "--dataroot", str(data), *SMALL)
    assert len(list((clone.folder / "results").rglob("synthesized_image/*.png"))) == 2
    clone.ffl_patch("revert")
    assert not [line for line in clone.status().splitlines() if not line.startswith("??")]
