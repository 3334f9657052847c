"""The real stylegan2-ada-pytorch, on the CPU: FFL_STYLEGAN2_ADA=/path/to/clone pytest -m upstream"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from real_clone import Clone, CloneOf

from ffl_plugin.integrations._monitor import gradient_norm

pytestmark = [pytest.mark.upstream, pytest.mark.timeout(1800)]


@pytest.fixture
def clone(clone_of: CloneOf) -> Clone:
    return clone_of("stylegan2-ada", "FFL_STYLEGAN2_ADA")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def dry_run(clone: Clone, images: Path, *flags: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    return clone.run("train.py", "--outdir=runs", f"--data={images}", "--dry-run", *flags, expect=expect)


def options(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    text = result.stdout
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


def gradients(clone: Clone, tmp_path: Path, *steps: object) -> list[dict[str, torch.Tensor]]:
    out = tmp_path / "gradients.pt"
    clone.script("stylegan2_ada_step.py", str(out), json.dumps(steps))
    return torch.load(out)


def test_a_dry_run_shows_the_options_only_with_the_flag(clone: Clone, images: Path) -> None:
    before = dry_run(clone, images).stdout
    clone.ffl_patch("apply")
    assert dry_run(clone, images).stdout == before
    assert dry_run(clone, images, "--ffl-weight=0").stdout == before
    result = dry_run(clone, images, "--ffl-weight=0.5", "--ffl-spectrum=image", "--gamma=1")
    assert options(result)["loss_kwargs"]["ffl_options"]["weight"] == 0.5
    assert "-gamma1-ffl0.5-image" in result.stdout


@pytest.mark.parametrize(
    "flag",
    [
        "--ffl-weight=-1",
        "--ffl-weight=nan",
        "--ffl-weight=inf",
        "--ffl-patch-factor=0",
        "--ffl-patch-factor=3",
    ],
)
def test_what_cannot_train_is_one_sentence(clone: Clone, images: Path, flag: str) -> None:
    clone.ffl_patch("apply")
    result = dry_run(clone, images, "--ffl-weight=1", flag, expect=2)
    printed = (result.stdout + result.stderr).splitlines()  # upstream's logger sends both to standard output
    assert not any("Traceback" in line for line in printed)
    # Not the last line: where torch is built for CUDA and there is none, its extensions say so at import.
    (error,) = (line for line in printed if line.startswith("Error: "))
    assert error.startswith(f"Error: {flag.split('=')[0]} ")
    assert not (clone.folder / "runs").exists()


def test_one_step_of_the_real_loss(clone: Clone, tmp_path: Path) -> None:
    """Weight 0 is bitwise upstream; the gradient is upstream's plus the weight times the loss's own."""
    upstream, alone = gradients(clone, tmp_path, None, "alone")
    assert sum(gradient.norm() for gradient in alone.values()) > 0
    clone.ffl_patch("apply")
    weights = (1.0, 10.0, 100.0)
    steps = gradients(clone, tmp_path, None, {}, {"weight": 0.0}, *({"weight": weight} for weight in weights))
    for off in steps[:3]:
        assert off.keys() == upstream.keys()
        assert all(torch.equal(off[name], upstream[name]) for name in upstream)
    for weight, total in zip(weights, steps[3:]):
        for name, gradient in upstream.items():
            expected = gradient + weight * alone.get(name, torch.zeros(()))
            torch.testing.assert_close(total[name], expected, rtol=1e-4, atol=1e-5 * float(expected.norm()))


def test_the_monitor_reports_the_gradients_at_the_images_and_changes_none(
    clone: Clone, tmp_path: Path
) -> None:
    clone.ffl_patch("apply")
    settings = {"weight": 30.0, "spectrum": "batch"}
    separate, plain, monitored = gradients(
        clone, tmp_path, "at the images", settings, {**settings, "monitor": 1}
    )
    norms = {name: monitored.pop(f"Gradient/{name}") for name in ("ffl", "rest")}
    assert plain.keys() == monitored.keys()
    assert all(torch.equal(plain[name], monitored[name]) for name in plain)
    torch.testing.assert_close(norms["ffl"], 30 * gradient_norm(separate["ffl"]), rtol=1e-4, atol=0)
    torch.testing.assert_close(norms["rest"], gradient_norm(separate["rest"]), rtol=1e-4, atol=0)


def test_revert_gives_back_every_byte(clone: Clone) -> None:
    clone.ffl_patch("apply")
    assert clone.status() != ""
    clone.ffl_patch("revert")
    assert clone.status() == ""
