"""The schedule of the loss: ``--ffl-start`` and ``--ffl-ramp``.

Both are counted in the upstream's unit: thousands of real images shown (kimg) for StyleGAN, epochs for the
pix2pix family. A position is the amount of that unit trained before the step.
"""

from __future__ import annotations

from typing import Any

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._settings import Settings


def ramped(position: float, settings: Settings) -> float:
    """Return the fraction of the weight at a position: 0 before the start, then linear over the ramp to 1."""
    since = position - settings.start
    if since < 0:
        return 0.0
    return min(1.0, since / settings.ramp) if settings.ramp > 0 else 1.0


class ImageCounter:
    """Counts the real images shown to all processes, in thousands.

    ``StyleGAN2Loss`` does not know the training's progress, but every Gmain step shows it new images.
    """

    def __init__(self, kimg: float) -> None:
        self._kimg = kimg

    def position_before(self, batch: int) -> float:
        """Return the position, then count a batch of this size in each process."""
        position = self._kimg
        self._kimg += batch * _process.world_size() / 1000
        return position


class EpochCounter:
    """Derives the epoch from the model's learning rate schedule, which steps once per epoch.

    Versions of the upstream step it at the end or the beginning of an epoch, so only the steps since the
    first batch count.
    """

    def __init__(self, model: Any, before: int) -> None:
        self._model = model
        self._before = before
        self._steps_at_first = self._steps()

    def epochs(self) -> int:
        """Completed epochs."""
        return self._before + self._steps() - self._steps_at_first

    def position(self) -> float:
        """Completed epochs plus 0.5: the middle of the current epoch."""
        return self.epochs() + 0.5

    def _steps(self) -> int:
        schedulers = getattr(self._model, "schedulers", None)
        if not schedulers:
            raise FFLError(
                "--ffl-start and --ffl-ramp count epochs by the model's learning rate schedule, but this "
                "model has none; train without these flags"
            )
        return int(schedulers[0].last_epoch)
