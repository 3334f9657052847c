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
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_path
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import synthetic

ImageArray = NDArray[np.uint8]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".webp"})
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
        test_list: a file with one path per line, relative to its own folder: the test images. Optional.
        test_images: number of test images drawn if there is no list.
        size: height and width in pixels to which images are resized.
        source: where the data set is published.
    """

    folder: str
    test_list: str
    test_images: int
    size: int
    source: str


PAPER_DATA = {
    "DTD": Layout("dtd/images", "dtd/test.txt", 564, 64, "https://www.robots.ox.ac.uk/~vgg/data/dtd/"),
    # The authors' repository lists its 3,000 test images in datasets/celeba_recon_lists/test.txt.
    "CelebA": Layout(
        "celeba/img_align_celeba",
        "celeba/test.txt",
        3000,
        64,
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    ),
    "CelebA-HQ": Layout(
        "celeba-hq",
        "celeba-hq/test.txt",
        3000,
        256,
        "https://github.com/tkarras/progressive_growing_of_gans",
    ),
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

    path = cache / f"{name}-{size}-{test_images}-{images}.npy"
    drawn = _prepare(path, images + test_images, size, draw, progress, f"drawing {name}")
    return Split(name, drawn[test_images:], drawn[:test_images])


def folder_split(
    folder: Path, size: int, images: int, test_images: int, cache: Path, progress: Progress
) -> Split:
    """Split a folder of images (nested, any size) by file, using at most ``images`` and ``test_images``.

    If there are enough files, each gives one image, resized to ``size`` on its shorter side and cropped in
    the centre. Otherwise each file gives several random square crops; a quarter of the files is then held out
    for testing, and no file is used for both.
    """
    files = np.array(list_images(folder))
    if len(files) < 2:
        raise FFLError(f"{folder} contains {len(files)} image(s); training and test need at least one each.")
    files = files[np.random.default_rng(TEST_SEED).permutation(len(files))]
    enough = len(files) >= images + test_images
    held_out = test_images if enough else max(1, len(files) // 4)
    path = cache / f"{folder.name}-{size}-{test_images}-{images}.npy"

    def read(index: int) -> ImageArray:
        if enough:
            return centre_crop(files[index], size)
        side = files[:held_out] if index < test_images else files[held_out:]
        return random_crop(side[index % len(side)], size, np.random.default_rng([TEST_SEED, index]))

    array = _prepare(path, images + test_images, size, read, progress, f"reading {folder.name}")
    return Split(folder.name, array[test_images:], array[:test_images])


def paper_split(data: Path, name: str, cache: Path, progress: Progress) -> Optional[Split]:
    """Return the paper's data set ``name`` from the folder ``data``; None if its folder does not exist.

    The test images are those in the list file if it exists, else drawn once with a fixed seed.
    """
    layout = PAPER_DATA[name]
    folder = data / layout.folder
    if not folder.is_dir():
        return None
    files = list_images(folder)
    listed = data / layout.test_list
    if listed.is_file():
        lines = listed.read_text(encoding="utf-8").splitlines()
        held_out = {listed.parent / line.strip() for line in lines if line.strip()}
        if not held_out:
            raise FFLError(f"{listed} lists no image; remove it, or list the test images in it.")
        missing = held_out.difference(files)
        if missing:
            raise FFLError(f"{listed} lists {min(missing)}, which is not among the images of {folder}.")
    else:
        drawn = np.random.default_rng(TEST_SEED).permutation(len(files))[: layout.test_images]
        held_out = {files[index] for index in drawn}
    ordered = sorted(held_out) + [file for file in files if file not in held_out]
    if len(ordered) <= len(held_out):
        raise FFLError(f"{folder} contains only the {len(files)} test images; add the rest of {name}.")
    array = _prepare(
        cache / f"{name}-{layout.size}-{len(held_out)}-{len(files)}.npy",
        len(ordered),
        layout.size,
        lambda index: centre_crop(ordered[index], layout.size),
        progress,
        f"reading {name}",
    )
    return Split(name, array[len(held_out) :], array[: len(held_out)])


def list_images(folder: Path) -> list[Path]:
    """List the images in a folder, recursively, sorted by path."""
    if not folder.is_dir():
        raise FFLError(f"There is no folder {folder}; pass the folder of your images with --data.")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def read_image(path: Path) -> Image.Image:
    """Open an image as RGB; raises FFLError if it cannot be read."""
    try:
        with Image.open(path) as image:
            converted: Image.Image = image.convert("RGB")
            return converted
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise FFLError(f"{path} cannot be read as an image ({error}); repair or remove it.") from error


def centre_crop(path: Path, size: int) -> ImageArray:
    """Resize the shorter side to ``size`` (bilinear, antialiased) and crop the centre: (3, size, size)."""
    image = read_image(path)
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    crop: ImageArray = np.asarray(image.crop((left, top, left + size, top + size))).transpose(2, 0, 1)
    return crop


def random_crop(path: Path, size: int, rng: np.random.Generator) -> ImageArray:
    """Crop a random square, from a third of the shorter side up to all of it, and resize: (3, size, size)."""
    image = read_image(path)
    side = int(min(image.size) * rng.uniform(1 / 3, 1))
    left, top = (int(rng.integers(0, extent - side + 1)) for extent in image.size)
    box = (left, top, left + side, top + side)
    resized = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    crop: ImageArray = np.asarray(resized).transpose(2, 0, 1)
    return crop


def _prepare(
    path: Path, count: int, size: int, image: Callable[[int], ImageArray], progress: Progress, what: str
) -> ImageArray:
    """Fill the (count, 3, size, size) array at ``path`` unless it exists, and map it read-only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as unfinished:
            array = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (count, 3, size, size))
            for index in range(count):
                array[index] = image(index)
                progress(index + 1, count, what)
            array.flush()
            del array
    mapped: ImageArray = np.load(path, mmap_mode="r")
    return mapped
