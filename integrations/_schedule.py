"""When the loss acts: from ``--ffl-start`` on, rising over ``--ffl-ramp``.

Both are counted in the unit of the upstream: thousands of real images shown (kimg) for StyleGAN, epochs for
the pix2pix family. A position is how much of that unit was trained before the step.
"""

from __future__ import annotations

from typing import Any

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._settings import Settings


def ramped(position: float, settings: Settings) -> float:
    """Part of the weight that acts at a position: 0 before the start, then linear over the ramp to 1."""
    since = position - settings.start
    if since < 0:
        return 0.0
    return min(1.0, since / settings.ramp) if settings.ramp > 0 else 1.0


class ImageCounter:
    """Counts the real images that all processes were shown, in thousands.

    ``StyleGAN2Loss`` is not told how far the training is, but every Gmain step shows it new images.
    """

    def __init__(self, kimg: float) -> None:
        self._kimg = kimg

    def position_before(self, batch: int) -> float:
        """Return the position, and count a batch of as many images in each process."""
        position = self._kimg
        self._kimg += batch * _process.count() / 1000
        return position


class EpochCounter:
    """Reads the epoch off the model's learning rate schedule, which is stepped once per epoch.

    Versions of upstream step it at the end or at the beginning of an epoch, so only the steps since the first
    batch tell how many epochs are over.
    """

    def __init__(self, model: Any, before: int) -> None:
        self._model = model
        self._before = before
        self._steps_at_first = self._steps()

    def epochs(self) -> int:
        """Epochs that are over."""
        return self._before + self._steps() - self._steps_at_first

    def position(self) -> float:
        """Epochs that are over, and half of the present one: an epoch counts by its middle."""
        return self.epochs() + 0.5

    def _steps(self) -> int:
        schedulers = getattr(self._model, "schedulers", None)
        if not schedulers:
            raise FFLError(
                "--ffl-start and --ffl-ramp count epochs by the model's learning rate schedule, and this "
                "model has none; train without them"
            )
        return int(schedulers[0].last_epoch)
