"""Resizing of real images to the size of the generated ones, by the training's record or on request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.report.training_options import read_record

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs
    from ffl_plugin.report.opening import Opened


def prepare_reals(reals: Opened, first: Opened, resize: Optional[str]) -> tuple[Opened, str]:
    """Prepare the real images if their size differs from that of the generated ones.

    Args:
        reals: the real images as given.
        first: the first training, with images.
        resize: requested size, as ``WIDTHxHEIGHT``; None uses the record of the first training, whose data
            loader resizes photographs before training.

    Returns:
        The real images, prepared if possible, and the reason if not; empty if prepared or not needed.

    Raises:
        FFLError: ``resize`` is not a size.
    """
    from ffl_plugin.metrics.preparation import PreparedSource, asked_preparation, recorded_preparation

    if resize is not None:
        source = PreparedSource(reals.images, asked_preparation(resize))
        return replace(reals, source=source), ""
    if _size(reals) == _size(first):
        return reals, ""
    try:
        options, file = read_record(first.path)
        preparation = recorded_preparation(options, str(file))
    except FFLError as error:
        return reals, f"{error}"
    if preparation is None:
        return reals, ""
    return replace(reals, source=PreparedSource(reals.images, preparation)), ""


def check_sizes(pairs: ImagePairs, why: str) -> None:
    """Refuse pairs of different sizes, by the headers of the first pair, with the next step.

    Args:
        pairs: pairs of one training.
        why: why the real images could not be prepared.

    Raises:
        FFLError: the images of the first pair differ in size.
    """
    from ffl_plugin.metrics.decode import image_size

    fake, real = (image_size(source.read_bytes(0), source.describe(0)) for source in (pairs.fake, pairs.real))
    if fake != real:
        raise FFLError(
            f"{pairs.fake.describe(0)} is {fake[1]}x{fake[0]} and its partner {pairs.real.describe(0)} "
            f"is {real[1]}x{real[0]}{_prepared(pairs)}; pairs need equal sizes: "
            f"{why or f'pass --resize {fake[1]}x{fake[0]} to resize the real ones'}"
        )


def _prepared(pairs: ImagePairs) -> str:
    return f", {pairs.real.preparation}" if pairs.real.preparation else ""


def _size(opened: Opened) -> tuple[int, int]:
    from ffl_plugin.metrics.decode import image_size

    return image_size(opened.images.read_bytes(0), opened.images.describe(0))
