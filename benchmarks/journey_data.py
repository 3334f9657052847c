"""A few images in each form that the upstreams read."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

COUNT, SIZE = 64, 64
CAMERA = [1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 2.7, 0, 0, 0, 1, 4.2647, 0, 0.5, 0, 4.2647, 0.5, 0, 0, 1]


def write_data(images: Path, folder: Path) -> Path:
    """Write `photographs` (with EG3D's cameras), `large`, `pairs`, `unpaired` and `labels` below a folder.

    Args:
        images: a folder or zip of photographs, at least 64.
        folder: where to.

    Raises:
        SystemExit: they are too few.
    """
    pictures = _read(images)
    if len(pictures) < COUNT:
        raise SystemExit(f"{images} has {len(pictures)} images; give {COUNT}")
    for number, picture in enumerate(pictures):
        name = f"{number:05d}.png"
        _save(picture.resize((SIZE, SIZE)), folder / "photographs" / name)
        if number < 16:
            large = picture.resize((2 * SIZE, 2 * SIZE))
            _save(large, folder / "large" / name)
            _save_pair(large, folder, name)
    for kind, count in (("photographs", COUNT), ("large", 16)):
        labels = [[f"{number:05d}.png", CAMERA] for number in range(count)]
        (folder / f"{kind}/dataset.json").write_text(json.dumps({"labels": labels}))
    return folder


def _save_pair(photograph: Image.Image, folder: Path, name: str) -> None:
    """A photograph beside its outlines, in the forms of pix2pix, CycleGAN and SPADE."""
    grey = np.asarray(photograph.convert("L"), dtype=np.int16)
    edges = (np.abs(np.diff(grey, axis=0, prepend=0)) > 20).astype(np.uint8) * 255
    outline = Image.fromarray(edges).convert("RGB")
    pair = Image.fromarray(np.concatenate([np.asarray(outline), np.asarray(photograph)], axis=1))
    labels = Image.fromarray((grey // 64).astype(np.uint8))
    for phase in ("train", "test"):
        _save(pair, folder / "pairs" / phase / name)
        _save(outline, folder / "unpaired" / f"{phase}A" / name)
        _save(photograph, folder / "unpaired" / f"{phase}B" / name)
    _save(labels, folder / "labels" / "maps" / name)
    _save(photograph, folder / "labels" / "photographs" / name)


def _read(images: Path) -> list[Image.Image]:
    """The first images of a folder or zip, by name."""
    if images.is_dir():
        files = sorted(path for path in images.rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
        return [Image.open(path).convert("RGB") for path in files[:COUNT]]
    with zipfile.ZipFile(images) as archive:
        names = sorted(
            name for name in archive.namelist() if name.lower().endswith((".png", ".jpg", ".jpeg"))
        )
        return [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names[:COUNT]]


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
