"""Preparation of real images as in a training: resized according to its record, or to ``--resize``.

The records are those of pix2pix, CycleGAN, pix2pixHD and SPADE, whose data loaders resize every photograph to
``load_size`` and take a random crop of ``crop_size``. In a test the two are equal, and nothing is cropped.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np
from PIL import Image

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.decode import Pixels
from ffl_plugin.metrics.sources import ImageSource

RESIZE, SCALE_WIDTH, SCALE_SHORT_SIDE, ROUND = "resize", "scale_width", "scale_shortside", "none"

# Names of these options in the upstreams over the years.
MODES = ("preprocess", "preprocess_mode", "resize_or_crop")
LOAD_SIZES, CROP_SIZES = ("load_size", "loadSize"), ("crop_size", "fineSize")


@dataclass(frozen=True)
class Preparation:
    """Resizes a photograph to the size of the generated images, with bicubic interpolation.

    Attributes:
        mode: ``resize`` (to ``width`` x ``height``), ``scale_width`` (to ``width``, keeping the aspect
            ratio), ``scale_shortside`` (SPADE's, which scales only the longer side), or ``none`` (to the
            nearest multiples of ``width``).
        width, height: pixels; ``height`` is used by ``resize``, and is the minimum for ``scale_width``.
        origin: the file or option that specifies it.
    """

    mode: str
    width: int
    height: int
    origin: str

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) after preparation."""
        if self.mode == RESIZE:
            return self.height, self.width
        if self.mode == SCALE_WIDTH:
            return max(int(self.width * height / width), self.height), self.width
        if self.mode == SCALE_SHORT_SIDE:
            shorter, longer = min(height, width), int(self.width * max(height, width) / min(height, width))
            if shorter == self.width:
                return height, width
            return (longer, shorter) if width == shorter else (shorter, longer)
        rounded = (round(side / self.width) * self.width for side in (height, width))
        return next(rounded), next(rounded)

    def apply(self, pixels: Pixels) -> Pixels:
        """Prepare (H, W, 3) uint8."""
        height, width = self.size(*pixels.shape[:2])
        if (height, width) == pixels.shape[:2]:
            return pixels
        return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))

    def __str__(self) -> str:
        """Describe it: ``resized to 64x64``."""
        return {
            RESIZE: f"resized to {self.width}x{self.height}",
            SCALE_WIDTH: f"scaled to a width of {self.width}",
            SCALE_SHORT_SIDE: f"scaled by scale_shortside to {self.width}",
            ROUND: f"resized to multiples of {self.width}",
        }[self.mode]


class PreparedSource(ImageSource):
    """Images of another source, prepared one by one."""

    def __init__(self, parent: ImageSource, preparation: Preparation) -> None:
        super().__init__(parent.path, parent.names)
        self.notes = (
            *parent.notes,
            f"{parent.path}: the images were {preparation}, according to {preparation.origin}.",
        )
        self.preparation = str(preparation)
        self._parent, self._prepare = parent, preparation.apply

    def describe(self, index: int) -> str:
        """Name the image as in its own source."""
        return self._parent.describe(index)

    def read(self, index: int) -> Pixels:
        """Decode and prepare one image: uint8 RGB (H, W, 3)."""
        return self._prepare(self._parent.read(index))

    def read_bytes(self, index: int) -> bytes:
        """Encode one prepared image losslessly."""
        stream = io.BytesIO()
        Image.fromarray(self.read(index)).save(stream, "PNG", compress_level=1)
        return stream.getvalue()


def recorded_preparation(options: Mapping[str, str], origin: str) -> Optional[Preparation]:
    """Return how a training's record prepares photographs for a test; None if it does not say.

    Args:
        options: the record, option → value as text.
        origin: its file.

    Raises:
        FFLError: it takes random crops, so the test's input is unknown.
    """
    mode = next((options[name] for name in MODES if name in options), None)
    load, crop = (
        next((int(options[name]) for name in names if str(options.get(name, "")).isdecimal()), None)
        for names in (LOAD_SIZES, CROP_SIZES)
    )
    if mode is None or load is None or crop is None or options.get("dataset_mode") == "aligned":
        return None  # files of aligned data sets contain input and target side by side
    spade = "preprocess_mode" in options
    if spade:
        load = crop if "crop" in mode else load  # the record is of the training; the test loads at crop_size
    if mode == "resize_and_crop" and load == crop:
        return Preparation(RESIZE, load, load, origin)
    if mode == SCALE_WIDTH:
        # pix2pix keeps a height of at least crop_size.
        return Preparation(SCALE_WIDTH, load, crop if "preprocess" in options else 0, origin)
    if mode == SCALE_SHORT_SIDE:
        return Preparation(SCALE_SHORT_SIDE, load, 0, origin)
    if mode == ROUND:
        return Preparation(ROUND, 32 if spade else 4, 0, origin)
    if mode == "fixed":
        return Preparation(RESIZE, crop, round(crop / float(options.get("aspect_ratio", "1.0"))), origin)
    if "crop" in mode:
        raise FFLError(
            f"{origin}: {mode} to {load} and {crop} takes random crops of photographs, so the test's input "
            "is unknown; pass --resize WIDTHxHEIGHT"
        )
    return None


def asked_preparation(text: str) -> Preparation:
    """Parse ``--resize``: ``256`` or ``512x256``, width first.

    Raises:
        FFLError: it is not a size.
    """
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and 0 < int(side) <= 65536 for side in sides):
        raise FFLError(f"--resize {text} is not a size; pass WIDTHxHEIGHT in pixels, such as 256x256")
    return Preparation(RESIZE, int(sides[0]), int(sides[-1]), "--resize")
