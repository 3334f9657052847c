"""What a patched stylegan2-ada-pytorch imports: flags for ``train.py``, the term for ``StyleGAN2Loss``.

The real images of a step are as many as the generated ones and unrelated to them, so the default spectrum
is ``batch``, the average that the FFL paper takes on StyleGAN2. The average is over the images of one
``accumulate_gradients`` call: ``batch_gpu`` images of one process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from torch import Tensor

from ffl_plugin.integrations import _click
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._term import FrequencyTerm

DEFAULTS = Settings(spectrum="batch")

options = _click.options(DEFAULTS)


def configure(arguments: Any, given: Optional[Mapping[str, Any]], error: Callable[[str], Exception]) -> str:
    """Put the settings into ``arguments.loss_kwargs.ffl_options``; return what the description gains.

    Raises ``error``, the launcher's own exception, with one sentence for a value that cannot train. At weight
    0 ``loss_kwargs`` stays as it is.
    """
    return _click.configure(arguments, given, error, DEFAULTS)


class GeneratorTerm:
    """The term of one ``StyleGAN2Loss``, made from ``loss_kwargs.ffl_options``."""

    def __init__(self, settings: Optional[Mapping[str, Any]] = None) -> None:
        checked = Settings.from_json(settings or {}, DEFAULTS)
        self._term = FrequencyTerm(checked) if checked.weight > 0 else None

    def __call__(self, fake: Tensor, real: Tensor) -> Optional[Tensor]:
        """Weighted loss, a scalar, of two batches (N, C, H, W) in [-1, 1]; None when off."""
        return None if self._term is None else self._term(fake, real)
