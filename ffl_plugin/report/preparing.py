"""Real images brought to the size of what was generated, as the training's own record or the user says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.report.training_options import read_record

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs
    from ffl_plugin.report.inputs import Opened


def prepare_reals(reals: Opened, trainings: Sides[Opened], resize: Optional[str]) -> tuple[Opened, str]:
    """Prepare the real images where their size is not that of what was generated.

    Args:
        reals: the real images as they were given.
        trainings: with images.
        resize: the size that the user asks for, as ``WIDTHxHEIGHT``; None takes the record of the first
            training, whose data loader resizes photographs before the networks see them.

    Returns:
        The real images, prepared or not, and why they could not be; empty where they are, or need not be.

    Raises:
        FFLError: ``resize`` is no size.
    """
    from ffl_plugin.metrics.preparation import PreparedSource, asked_preparation, recorded_preparation

    if resize is not None:
        source = PreparedSource(reals.images, asked_preparation(resize))
        return replace(reals, source=source), ""
    first = trainings.before[0]
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


def check_sizes(pairs: Sides[ImagePairs], why: str) -> None:
    """Refuse pairs of different sizes, from the headers of the first pair, with the way on.

    Args:
        pairs: of each training.
        why: why the real images could not be prepared.

    Raises:
        FFLError: the images of the first pair of a training differ in size.
    """
    from ffl_plugin.metrics.decode import image_size

    for found in pairs:
        fake, real = (
            image_size(source.read_bytes(0), source.describe(0)) for source in (found.fake, found.real)
        )
        if fake != real:
            raise FFLError(
                f"{found.fake.describe(0)} is {fake[1]}x{fake[0]} and its partner {found.real.describe(0)} "
                f"is {real[1]}x{real[0]}{_prepared(found)}; pairs need equal sizes: "
                f"{why or f'give --resize {fake[1]}x{fake[0]} to resize the real ones'}"
            )


def _prepared(pairs: ImagePairs) -> str:
    return f", {pairs.real.preparation}" if pairs.real.preparation else ""


def _size(opened: Opened) -> tuple[int, int]:
    from ffl_plugin.metrics.decode import image_size

    return image_size(opened.images.read_bytes(0), opened.images.describe(0))
