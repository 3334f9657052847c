"""Training and test images of the experiments, as (N, 3, H, W) uint8 arrays, RGB.

There are three sources: images drawn by ``synthetic``, a folder of the user, or the paper's data sets laid
out as in ``PAPER_DATA``. Arrays are prepared once and then memory-mapped from the output folder, so the
202,599 images of CelebA need no memory and a resumed run starts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_path
from ffl_plugin.metrics import open_images
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import synthetic

ImageArray = NDArray[np.uint8]

TEST_SEED = 1112  # of the split, independent of the training seed: all trainings share the test images


@dataclass(frozen=True)
class Split:
    """Training and test images, both (N, 3, size, size) uint8."""

    name: str
    train: ImageArray
    test: ImageArray


@dataclass(frozen=True)
class Layout:
    """Layout of a data set of the paper in the folder given by ``--data``.

    Attributes:
        folder: folder of its images, searched recursively.
        test_images: number of test images drawn if there is no list.
        size: height and width in pixels to which images are resized.
        source: where the data set is published.
    """

    folder: str
    test_images: int
    size: int
    source: str


PAPER_DATA = {
    "DTD": Layout("dtd/images", 564, 64, "https://www.robots.ox.ac.uk/~vgg/data/dtd/"),
    "CelebA": Layout(
        "celeba/img_align_celeba", 3000, 64, "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    ),
    "CelebA-HQ": Layout("celeba-hq", 3000, 256, "https://github.com/tkarras/progressive_growing_of_gans"),
}


def to_tensor(images: ImageArray) -> Tensor:
    """Map (N, 3, H, W) uint8 to float32 in [-1, 1], as in the authors' loader."""
    return torch.from_numpy(np.array(images)).float() / 127.5 - 1  # a copy: the map is read-only


def to_uint8(images: Tensor) -> ImageArray:
    """Map (N, 3, H, W) in [-1, 1] to uint8, rounding to the nearest value and clipping."""
    array: ImageArray = ((images.detach().cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
    return array


def synthetic_split(
    name: str, size: int, images: int, test_images: int, cache: Path, progress: Progress
) -> Split:
    """Draw the set ``name`` of ``synthetic``; the test images are independent of ``images``."""

    def draw(index: int) -> ImageArray:
        image: ImageArray = synthetic.draw(name, 1, size, first=index)[0]
        return image

    return _prepare(cache, name, size, images, test_images, draw, progress)


def folder_split(
    folder: Path, size: int, images: int, test_images: int, cache: Path, progress: Progress
) -> Split:
    """Split a folder or zip of images (nested, any size) by file into ``images`` and ``test_images``.

    If there are enough files, each gives one image, resized to ``size`` on its shorter side and cropped in
    the centre. Otherwise each file gives several random square crops; a quarter of the files is then held out
    for testing, and no file is used for both.
    """
    source = open_images(folder, role="real")
    if len(source) < 2:
        raise FFLError(f"{folder} contains {len(source)} image; training and test need at least one each.")
    files = np.random.default_rng(TEST_SEED).permutation(len(source))
    enough = len(files) >= images + test_images
    held_out = test_images if enough else max(1, len(files) // 4)

    def read(index: int) -> ImageArray:
        if enough:
            return centre_crop(source.read(files[index]), size)
        side = files[:held_out] if index < test_images else files[held_out:]
        pixels = source.read(side[index % len(side)])
        return random_crop(pixels, size, np.random.default_rng([TEST_SEED, index]))

    return _prepare(cache, folder.name, size, images, test_images, read, progress)


def paper_split(data: Path, name: str, cache: Path, progress: Progress) -> Optional[Split]:
    """Return the paper's data set ``name`` from the folder ``data``; None if its folder does not exist.

    The test images are those in ``test.txt`` if it exists, one path per line, relative to it, else drawn
    once with a fixed seed.
    """
    layout = PAPER_DATA[name]
    folder = data / layout.folder
    if not folder.is_dir():
        return None
    source = open_images(folder, role="real")
    listed = data / layout.folder.partition("/")[0] / "test.txt"
    if listed.is_file():
        lines = listed.read_text(encoding="utf-8").splitlines()
        place = {folder / file: index for index, file in enumerate(source.names)}
        paths = {listed.parent / line.strip() for line in lines if line.strip()}
        if not paths:
            raise FFLError(f"{listed} lists no image; remove it, or list the test images in it.")
        missing = paths.difference(place)
        if missing:
            raise FFLError(f"{listed} lists {min(missing)}, which is not among the images of {folder}.")
        held_out = {place[path] for path in paths}
    else:
        drawn = np.random.default_rng(TEST_SEED).permutation(len(source))[: layout.test_images]
        held_out = set(drawn.tolist())
    rest = [index for index in range(len(source)) if index not in held_out]
    if not rest:
        raise FFLError(f"{folder} contains only the {len(source)} test images; add the rest of {name}.")
    order = [*sorted(held_out), *rest]

    def read(index: int) -> ImageArray:
        return centre_crop(source.read(order[index]), layout.size)

    return _prepare(cache, name, layout.size, len(rest), len(held_out), read, progress)


def centre_crop(pixels: ImageArray, size: int) -> ImageArray:
    """Resize the shorter side of (H, W, 3) to ``size`` (bilinear, antialiased) and crop the centre.

    Returns (3, size, size).
    """
    image = Image.fromarray(pixels)
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    crop: ImageArray = np.asarray(image.crop((left, top, left + size, top + size))).transpose(2, 0, 1)
    return crop


def random_crop(pixels: ImageArray, size: int, rng: np.random.Generator) -> ImageArray:
    """Crop a random square of (H, W, 3), from a third of the shorter side up to all of it, and resize it.

    Returns (3, size, size).
    """
    image = Image.fromarray(pixels)
    side = int(min(image.size) * rng.uniform(1 / 3, 1))
    left, top = (int(rng.integers(0, extent - side + 1)) for extent in image.size)
    box = (left, top, left + side, top + side)
    resized = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    crop: ImageArray = np.asarray(resized).transpose(2, 0, 1)
    return crop


def _prepare(
    cache: Path,
    name: str,
    size: int,
    images: int,
    test_images: int,
    image: Callable[[int], ImageArray],
    progress: Progress,
) -> Split:
    """Fill an array with the test images, then the others, unless ``cache`` has it; map it read-only."""
    path = cache / f"{name}-{size}-{test_images}-{images}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        count = test_images + images
        with atomic_path(path) as unfinished:
            array = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (count, 3, size, size))
            for index in range(count):
                array[index] = image(index)
                progress(index + 1, count, f"preparing {name}")
            array.flush()
            del array
    mapped: ImageArray = np.load(path, mmap_mode="r")
    return Split(name, mapped[test_images:], mapped[:test_images])
