"""Real images as a training saw them: resized as its own record says, or as the user asks.

The records are those of pix2pix, CycleGAN, pix2pixHD and SPADE, whose data loaders bring every photograph to
``load_size`` and cut ``crop_size`` out of it, at random. At test the two are the same, and nothing is cut.
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

# The names that upstreams gave these options over the years.
MODES = ("preprocess", "preprocess_mode", "resize_or_crop")
LOAD_SIZES, CROP_SIZES = ("load_size", "loadSize"), ("crop_size", "fineSize")


@dataclass(frozen=True)
class Preparation:
    """How a photograph is brought to the size of what was generated; by bicubic interpolation.

    Attributes:
        mode: ``resize`` (to ``width`` x ``height``), ``scale_width`` (to ``width``, keeping the shape),
            ``scale_shortside`` (SPADE's, which scales the longer side alone), or ``none`` (to the next
            multiples of ``width``).
        width, height: pixels; ``height`` counts for ``resize``, and is the least that ``scale_width`` leaves.
        origin: the file, or the option, that says so.
    """

    mode: str
    width: int
    height: int
    origin: str

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) that an image of one size gets."""
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
        """In words: ``resized to 64x64``."""
        return {
            RESIZE: f"resized to {self.width}x{self.height}",
            SCALE_WIDTH: f"scaled to a width of {self.width}",
            SCALE_SHORT_SIDE: f"scaled by scale_shortside to {self.width}",
            ROUND: f"resized to multiples of {self.width}",
        }[self.mode]


class PreparedSource(ImageSource):
    """Images of another source, prepared one at a time."""

    def __init__(self, parent: ImageSource, preparation: Preparation) -> None:
        super().__init__(parent.path, parent.names)
        self.notes = (
            *parent.notes,
            f"{parent.path}: the images were {preparation}, as {preparation.origin} says.",
        )
        self.preparation = str(preparation)
        self._parent, self._prepare = parent, preparation.apply

    def describe(self, index: int) -> str:
        """Name the image as its own source does."""
        return self._parent.describe(index)

    def read(self, index: int) -> Pixels:
        """Decode and prepare one image: uint8 RGB (H, W, 3)."""
        return self._prepare(self._parent.read(index))

    def read_bytes(self, index: int) -> bytes:
        """Encode one prepared image, without loss."""
        stream = io.BytesIO()
        Image.fromarray(self.read(index)).save(stream, "PNG", compress_level=1)
        return stream.getvalue()


def recorded_preparation(options: Mapping[str, str], origin: str) -> Optional[Preparation]:
    """How a training's record says that its photographs are prepared for a test; None where it does not say.

    Args:
        options: the record, option → value as text.
        origin: its file.

    Raises:
        FFLError: it cuts images at random, so that nobody can say what the test saw.
    """
    mode = next((options[name] for name in MODES if name in options), None)
    load, crop = (
        next((int(options[name]) for name in names if str(options.get(name, "")).isdecimal()), None)
        for names in (LOAD_SIZES, CROP_SIZES)
    )
    if mode is None or load is None or crop is None or options.get("dataset_mode") == "aligned":
        return None  # the files of aligned data sets hold input and target side by side
    spade = "preprocess_mode" in options
    if spade:
        load = crop if "crop" in mode else load  # its record is of the training; its test loads at crop_size
    if mode == "resize_and_crop" and load == crop:
        return Preparation(RESIZE, load, load, origin)
    if mode == SCALE_WIDTH:
        # pix2pix leaves at least crop_size of height.
        return Preparation(SCALE_WIDTH, load, crop if "preprocess" in options else 0, origin)
    if mode == SCALE_SHORT_SIDE:
        return Preparation(SCALE_SHORT_SIDE, load, 0, origin)
    if mode == ROUND:
        return Preparation(ROUND, 32 if spade else 4, 0, origin)
    if mode == "fixed":
        return Preparation(RESIZE, crop, round(crop / float(options.get("aspect_ratio", "1.0"))), origin)
    if "crop" in mode:
        raise FFLError(
            f"{origin}: {mode} to {load} and {crop} cuts photographs at random, so that what the test saw is "
            "not known; give --resize WIDTHxHEIGHT"
        )
    return None


def asked_preparation(text: str) -> Preparation:
    """What ``--resize`` asks for: ``256`` or ``512x256``, width first.

    Raises:
        FFLError: it is no size.
    """
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and 0 < int(side) <= 65536 for side in sides):
        raise FFLError(f"--resize {text} is no size; give WIDTHxHEIGHT in pixels, such as 256x256")
    return Preparation(RESIZE, int(sides[0]), int(sides[-1]), "--resize")
