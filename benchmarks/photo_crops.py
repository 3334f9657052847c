"""Square crops of photographs as a data set that StyleGAN2-ADA and StyleGAN3 read: a zip of PNG files.

    python benchmarks/photo_crops.py PHOTOGRAPHS crops64.zip --size 64 --count 2000

Each crop is a square of random place and of a random side between twice the size and the whole photograph,
reduced with a Lanczos filter; the photographs take turns. The same arguments give the same file.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def crops(photographs: list[Path], size: int, count: int, seed: int) -> list[Image.Image]:
    """Return ``count`` crops of ``size`` by ``size`` pixels."""
    random = np.random.default_rng(seed)
    cut = []
    for index in range(count):
        with Image.open(photographs[index % len(photographs)]) as open_clone:
            photograph = open_clone.convert("RGB")
        side = int(random.integers(2 * size, min(photograph.size) + 1))
        left = int(random.integers(0, photograph.width - side + 1))
        top = int(random.integers(0, photograph.height - side + 1))
        box = (left, top, left + side, top + side)
        cut.append(photograph.resize((size, size), Image.Resampling.LANCZOS, box=box))
    return cut


def write_dataset(images: list[Image.Image], path: Path) -> None:
    """Write the images into a zip, with a fixed date, so that equal images give equal files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for index, image in enumerate(images):
            buffer = io.BytesIO()
            image.save(buffer, "png")
            archive.writestr(zipfile.ZipInfo(f"00000/img{index:08d}.png"), buffer.getvalue())


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photographs", type=Path, help="folder of JPEG files, searched below as well")
    parser.add_argument("dataset", type=Path, help="zip file to write")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    photographs = sorted(arguments.photographs.rglob("*.jpg"))
    if not photographs:
        parser.error(f"{arguments.photographs} holds no .jpg file")
    write_dataset(crops(photographs, arguments.size, arguments.count, arguments.seed), arguments.dataset)
    print(f"{arguments.count} crops of {len(photographs)} photographs in {arguments.dataset}")


if __name__ == "__main__":
    main()
