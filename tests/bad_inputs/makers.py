"""Makes what users and attackers put in front of the measuring commands."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image


def pixels(seed: int, height: int = 24, width: int = 24) -> np.ndarray:
    """A seeded ramp with grain: uint8 (H, W, 3)."""
    ramp = np.linspace(40, 200, width)[None, :, None] * np.ones((height, 1, 3))
    return np.clip(ramp + np.random.default_rng(seed).normal(0, 15, ramp.shape), 0, 255).astype(np.uint8)


def encoded(image: Any, kind: str = "PNG", **options: Any) -> bytes:
    data = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(data, kind, **options)
    return data.getvalue()


PNG = encoded(pixels(0))
JPEG = encoded(pixels(0, 64, 64), "JPEG")


def write_set(folder: Path, count: int = 3, shift: int = 0, height: int = 24, width: int = 24) -> Path:
    """A set that can be measured."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        (folder / f"{index}.png").write_bytes(encoded(pixels(index + shift, height, width)))
    return folder


def good(folder: Path) -> dict[str, Path]:
    """``real``, ``before`` and ``after`` that can be compared."""
    names = ("real", "before", "after")
    return {name: write_set(folder / name, shift=10 * place) for place, name in enumerate(names)}


def set_with(folder: Path, data: bytes, name: str = "1.png") -> Path:
    """A good set, but for one file."""
    write_set(folder)
    (folder / name).write_bytes(data)
    return folder


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def good_zip(path: Path) -> bytearray:
    """The bytes of a zip of one image, to be spoiled."""
    return bytearray(zip_of(path, {"a.png": PNG}).read_bytes())


def encrypted_zip(path: Path) -> Path:
    data = good_zip(path)
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    return path


def zip_claiming(path: Path, size: int) -> Path:
    """A member whose directory entry says that it unpacks to ``size`` bytes."""
    data = good_zip(path)
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", size)
    path.write_bytes(data)
    return path


def damaged_zip(path: Path) -> Path:
    data = good_zip(path)
    data[60] ^= 0xFF
    path.write_bytes(data)
    return path


def zip_with_link(path: Path) -> Path:
    """A member that a careless extraction would turn into a symbolic link to ``/etc/passwd``."""
    link = zipfile.ZipInfo("a.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header alone is wrong."""
    return PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + PNG[33:]


def png_with_text_bomb() -> bytes:
    """A PNG whose comment unpacks to 200 MB."""
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(bytes(10**6)) for _ in range(200)) + packer.flush()
    return PNG[:33] + chunk(b"zTXt", b"Comment\x00\x00" + packed) + PNG[33:]


def postscript(touched: Path) -> bytes:
    """A program that Pillow hands to Ghostscript where it may, whatever the name of the file says."""
    return (
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 24 24\n%%EndComments\n"
        f"({touched}) (w) file closefile showpage\n%%EOF\n"
    ).encode()


class Payload:
    """Unpickled, it leaves a file: the proof that something was executed."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.touched,)


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def features(count: int = 6, value: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).normal(value, 1.0, (count, 2048)).astype(np.float32)


def run_folder(folder: Path, metric: str = "", options: str = "{}") -> Path:
    """A StyleGAN run folder with the text of its metric file, or without one."""
    folder.mkdir()
    (folder / "training_options.json").write_text(options)
    if metric:
        (folder / "metric-fid50k_full.jsonl").write_text(metric)
    return folder


def measured(fid: float) -> str:
    return json.dumps({"results": {"fid50k_full": fid}, "snapshot_pkl": "network-snapshot-000200.pkl"}) + "\n"


def result_folder(folder: Path, *, reals: bool = True) -> Path:
    """What pix2pix's test.py leaves."""
    images = folder / "test_latest" / "images"
    images.mkdir(parents=True)
    for index in range(3):
        (images / f"{index}_fake_B.png").write_bytes(encoded(pixels(index)))
        if reals:
            (images / f"{index}_real_B.png").write_bytes(encoded(pixels(index + 5)))
    return folder


def weights(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path
