"""Opt-in: the real StyleGAN2-ADA and StyleGAN3, patched with both recipes, train on this machine's CPU."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply, plan_revert

# The clone's own launcher, loop and FID, with narrow networks and a detector that needs no download.
DRIVER = """
import hashlib, os, pathlib, sys
sys.path.insert(0, {clone!r})
import torch
from ffl_plugin.reproduce import narrow_stylegan2
from metrics import frechet_inception_distance, metric_main

class Detector(torch.nn.Module):
    def forward(self, img, return_features: bool = False):
        return torch.nn.functional.adaptive_avg_pool2d(img.to(torch.float32), 2).flatten(1)

url = 'https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt'
downloads = pathlib.Path(os.environ['DNNLIB_CACHE_DIR'], 'downloads')
downloads.mkdir(parents=True, exist_ok=True)
torch.jit.script(Detector()).save(str(downloads / (hashlib.md5(url.encode()).hexdigest() + '_detector.pt')))

@metric_main.register_metric
def fid32(opts):
    return dict(fid32=frechet_inception_distance.compute_fid(opts, max_real=None, num_gen=32))

if __name__ == '__main__':
    narrow_stylegan2.main()
"""

# In every process: what is at the top level is run in each that upstream starts.
NARROW_EVERYWHERE = """
import sys
from ffl_plugin.reproduce import narrow_stylegan2

narrow_stylegan2.install({clone!r}, 8)

if __name__ == '__main__':
    import train
    train.main(sys.argv[4:])
"""

NARROW = """
from ffl_plugin.reproduce import narrow_stylegan2

if __name__ == '__main__':
    narrow_stylegan2.main()
"""


@pytest.mark.upstream
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_real_clone_trains_resumes_and_measures_without_cuda(tmp_path: Path) -> None:
    original = os.environ.get("FFL_STYLEGAN2_ADA")
    if original is None:
        pytest.skip("FFL_STYLEGAN2_ADA does not name a clone")
    clone = Path(shutil.copytree(original, tmp_path / "clone", symlinks=True))
    before = {path: path.read_bytes() for path in clone.rglob("*.py")}
    recipe, torch2 = all_recipes()["stylegan2-ada"], all_recipes()["torch2"]
    plan_apply(recipe, clone, torch2).write()
    _write_pictures(tmp_path / "pictures")

    # 1000 images in batches of 16 are 63 iterations.
    stats, run = _train(
        tmp_path, clone, "--batch=16", "--ffl-weight=10", "--ffl-monitor=5", "--metrics=fid32"
    )
    assert stats[-1]["Progress/kimg"]["mean"] > 1
    _assert_finite(stats)
    for name in ("Loss/G/loss", "Loss/D/loss", "Loss/G/reg", "Loss/D/reg", "Timing/Gmain"):
        assert name in stats[-1]
    for name in ("Gradient/ffl", "Gradient/rest"):
        assert all(line[name]["mean"] > 0 for line in stats)
    assert stats[-1]["Gradient/ffl"]["num"] == 12  # of the 62 iterations after the first
    assert stats[-1]["Loss/G/ffl"]["mean"] < stats[0]["Loss/G/ffl"]["mean"]
    metrics = [json.loads(line) for line in (run / "metric-fid32.jsonl").read_text().splitlines()]
    assert all(math.isfinite(entry["results"]["fid32"]) for entry in metrics)
    options = json.loads((run / "training_options.json").read_text())
    assert options["loss_kwargs"]["ffl_options"]["weight"] == 10
    assert options["G_kwargs"]["synthesis_kwargs"]["num_fp16_res"] == 0

    snapshot = run / metrics[-1]["snapshot_pkl"]
    stats, run = _train(tmp_path, clone, "--batch=64", "--metrics=none", f"--resume={snapshot}")
    assert "Loss/G/ffl" not in stats[-1]
    assert list(run.glob("network-snapshot-*.pkl"))

    plan_revert(torch2, clone).write()
    plan_revert(recipe, clone).write()
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.upstream
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("gpus", [1, 2])
def test_a_share_trains_bitwise_as_without_it_and_is_gone_on_with(tmp_path: Path, gpus: int) -> None:
    original = os.environ.get("FFL_STYLEGAN2_ADA")
    if original is None:
        pytest.skip("FFL_STYLEGAN2_ADA does not name a clone")
    clone = Path(shutil.copytree(original, tmp_path / "clone", symlinks=True))
    plan_apply(all_recipes()["stylegan2-ada"], clone, all_recipes()["torch2"]).write()
    _write_pictures(tmp_path / "pictures")
    common = (f"--gpus={gpus}", "--batch=64", "--metrics=none", "--aug=noaug")
    share = ("--ffl-share=0.1", "--ffl-share-steps=10", "--ffl-monitor=1")

    # The first tick is one iteration, the second the other 15, of which the last 6 are after the calibration.
    plain, _ = _train(tmp_path, clone, *common, driver=NARROW_EVERYWHERE)
    stats, run = _train(tmp_path, clone, *common, *share, driver=NARROW_EVERYWHERE)
    for name in ("Loss/G/loss", "Loss/D/loss"):
        assert stats[0][name] == plain[0][name] and stats[-1][name] != plain[-1][name]
    weight = stats[-1]["Weight/ffl"]
    assert weight["num"] == 6 * gpus and weight["mean"] > 0
    text = (run / "log.txt").read_text()
    assert text.count("--ffl-share 0.1: weight") == 1

    snapshot = max(run.glob("network-snapshot-*.pkl"))
    resume = f"--resume={snapshot}"
    stats, run = _train(tmp_path, clone, *common, *share, resume, driver=NARROW_EVERYWHERE)
    assert all(line["Weight/ffl"]["mean"] == weight["mean"] for line in stats)
    assert "--ffl-share 0.1 continues at weight" in (run / "log.txt").read_text()


@pytest.mark.upstream
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("configuration", ["stylegan3-t", "stylegan3-r"])
def test_the_real_stylegan3_trains_and_resumes_without_cuda(tmp_path: Path, configuration: str) -> None:
    original = os.environ.get("FFL_STYLEGAN3")
    if original is None:
        pytest.skip("FFL_STYLEGAN3 does not name a clone")
    clone = Path(shutil.copytree(original, tmp_path / "clone", symlinks=True))
    before = {path: path.read_bytes() for path in clone.rglob("*.py")}
    recipe, torch2 = all_recipes()["stylegan3"], all_recipes()["torch2-stylegan3"]
    plan_apply(recipe, clone, torch2).write()
    _write_pictures(tmp_path / "pictures", size=16)

    common = (f"--cfg={configuration}", "--gpus=1", "--gamma=1", "--metrics=none")
    ffl = ("--ffl-weight=10", "--ffl-monitor=5")
    stats, run = _train(tmp_path, clone, *common, "--batch=32", *ffl, driver=NARROW)  # 32 iterations
    assert stats[-1]["Loss/G/ffl"]["mean"] < stats[0]["Loss/G/ffl"]["mean"]
    assert stats[-1]["Gradient/ffl"]["mean"] > 0 and stats[-1]["Gradient/rest"]["mean"] > 0
    _assert_finite(stats)

    snapshot = max(run.glob("network-snapshot-*.pkl"))
    stats, run = _train(tmp_path, clone, *common, "--batch=64", f"--resume={snapshot}", driver=NARROW)
    assert "Loss/G/ffl" not in stats[-1]
    _assert_finite(stats)

    plan_revert(torch2, clone).write()
    plan_revert(recipe, clone).write()
    assert {path: path.read_bytes() for path in before} == before


def _assert_finite(stats: list[dict[str, Any]]) -> None:
    for line in stats:
        for name, value in line.items():
            if isinstance(value, dict):
                assert math.isfinite(value["mean"]), (name, line)


def _write_pictures(folder: Path, size: int = 32) -> None:
    folder.mkdir()
    random = np.random.default_rng(0)
    across, down = np.meshgrid(np.linspace(0, 255, size), np.linspace(0, 255, size))
    for index in range(64):
        picture = np.stack([across, down, np.full_like(across, random.integers(256))], axis=-1)
        Image.fromarray(np.roll(picture, random.integers(size), axis=1).astype(np.uint8)).save(
            folder / f"{index:03d}.png"
        )


def _train(
    tmp_path: Path, clone: Path, *options: str, driver: str = DRIVER
) -> tuple[list[dict[str, Any]], Path]:
    script = tmp_path / "driver.py"
    script.write_text(driver.format(clone=str(clone)))
    runs = tmp_path / "runs"
    command = [sys.executable, str(script), "--width", "8", str(clone), f"--outdir={runs}", "--kimg=1"]
    command += [f"--data={tmp_path / 'pictures'}", "--snap=1", "--workers=1", *options]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "DNNLIB_CACHE_DIR": str(tmp_path / "cache")}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "not supported on PyTorch" not in result.stderr  # No fallback of the upstream's own is left.
    run = max(runs.iterdir())
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()], run
