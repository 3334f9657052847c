"""What a patched R3GAN imports: flags for ``train.py``, the term for its ``AdversarialTraining``.

As in the StyleGAN families the real images of a step are unrelated to the generated ones, so the default
spectrum is ``batch``. Unlike theirs, a resumed training counts kimg on from its snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable, Optional

from torch import Tensor

from ffl_plugin.integrations import _click, _stylegan

UPSTREAM = replace(_stylegan.UPSTREAM, counts_on=True)

options = _click.options(UPSTREAM)


def configure(arguments: Any, given: Optional[Mapping[str, Any]], error: Callable[[str], Exception]) -> str:
    """As `_stylegan.configure`: put the settings into ``arguments.loss_kwargs.ffl_options``."""
    return _click.configure(arguments, given, error, UPSTREAM)


def term(ffl_options: Optional[Mapping[str, Any]]) -> Optional[GeneratorTerm]:
    """Make the term of one ``AdversarialTraining`` from ``loss_kwargs.ffl_options``; None when off."""
    return GeneratorTerm(ffl_options) if ffl_options else None


class GeneratorTerm(_stylegan.GeneratorTerm):
    """The term of one training: in the loss while that is backpropagated, apart from it in the reports."""

    _without: Optional[Tensor] = None

    def add_to(self, loss: Tensor, fake: Tensor, real: Tensor) -> Tensor:
        """Return ``loss``, whose mean is trained with, plus the term, and report the term as ``Loss/G/ffl``.

        Args:
            loss: of each image (N,).
            fake: generated images (N, C, H, W) in [-1, 1].
            real: as many photographs.
        """
        weighted = self(fake, real)
        if weighted is None:
            return loss
        _stylegan.report("Loss/G/ffl", weighted)
        self._without = loss
        return loss + weighted

    def take_from(self, loss: Tensor) -> Tensor:
        """Return the loss as it was before `add_to`: upstream reports it as ``Loss/G/loss``."""
        without, self._without = self._without, None
        return loss if without is None else without
