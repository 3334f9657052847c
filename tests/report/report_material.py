"""Sets of images, result folders and run folders, small and drawn, for the tests of the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

SIZE = 32


def scene(seed: int) -> Image.Image:
    """A picture with structure at all scales: discs of random colour and place over a gradient."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    picture = np.stack([x * 3, y * 3, (x + y) * 2], axis=-1).astype(float)
    for _ in range(12):
        centre, radius = generator.uniform(0, SIZE, 2), generator.uniform(1, 7)
        picture[np.hypot(y - centre[0], x - centre[1]) < radius] = generator.uniform(0, 255, 3)
    return Image.fromarray(picture.astype(np.uint8))


def blurred(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def write_set(folder: Path, radius: float, count: int = 8, name: str = "{:02d}.png", shift: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        blurred(scene(seed + shift), radius).save(folder / name.format(seed))
    return folder


def write_results(folder: Path, radius: float, count: int = 8) -> Path:
    """A pix2pix result folder, as its test.py leaves it."""
    images = folder / "test_latest" / "images"
    write_set(images, 0, count, "{:02d}_real_B.png")
    write_set(images, 3, count, "{:02d}_real_A.png")
    write_set(images, radius, count, "{:02d}_fake_B.png")
    return folder


def write_run(
    folder: Path, fid: dict[int, float], weight: float = 0.0, seed: int = 0, more: bool = False
) -> Path:
    """A StyleGAN2-ADA run folder, as far as its logs go; with ``more`` than FID, KID and precision too."""
    folder.mkdir(parents=True)
    options = {"random_seed": seed, "loss_kwargs": {"r1_gamma": 10.0}, "run_dir": str(folder)}
    if weight:
        options["loss_kwargs"]["ffl_options"] = {"weight": weight}
    (folder / "training_options.json").write_text(json.dumps(options))
    metrics, stats = [], []
    for kimg, value in fid.items():
        snapshot = f"network-snapshot-{kimg:06d}.pkl"
        metrics.append(json.dumps({"results": {"fid50k_full": value}, "snapshot_pkl": snapshot}))
        stats.append({"Progress/kimg": {"mean": kimg}, "Loss/G/loss": {"mean": value / 10}})
        if weight:
            stats[-1]["Loss/G/ffl"] = {"mean": value / 100}
        (folder / f"fakes{kimg:06d}.png").write_bytes(b"a grid, not a set")
    (folder / "metric-fid50k_full.jsonl").write_text("\n".join(metrics) + "\n")
    (folder / "stats.jsonl").write_text("\n".join(map(json.dumps, stats)) + "\n")
    for name, scale in {"kid50k_full": 1e-3, "pr50k3_full_precision": 1e-2}.items() if more else ():
        values = [json.loads(line) for line in metrics]
        for line in values:
            line["results"] = {name: line["results"]["fid50k_full"] * scale}
        (folder / f"metric-{name}.jsonl").write_text("\n".join(map(json.dumps, values)) + "\n")
    return folder
