"""FFL for R3GAN: flags for ``train.py``, and the term for ``AdversarialTraining``.

As in the StyleGAN families, the real images of a step are unrelated to the generated ones, so the default
spectrum is ``batch``. Unlike theirs, a resumed training continues the kimg of its snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Optional

from torch import Tensor

from ffl_plugin.integrations import _click, _stylegan

UPSTREAM = replace(_stylegan.UPSTREAM, counts_on=True)

options = _click.options(UPSTREAM)
configure = partial(_click.configure, upstream=UPSTREAM)


def term(ffl_options: Optional[Mapping[str, Any]]) -> Optional[GeneratorTerm]:
    """Return the term of one ``AdversarialTraining`` from ``loss_kwargs.ffl_options``; None when off."""
    return GeneratorTerm(ffl_options) if ffl_options else None


class GeneratorTerm(_stylegan.GeneratorTerm):
    """The term of one training: part of the loss in the backward pass, separate in the reports."""

    _without: Optional[Tensor] = None

    def add_to(self, loss: Tensor, fake: Tensor, real: Tensor) -> Tensor:
        """Return ``loss`` plus the term, and report the term as ``Loss/G/ffl``.

        Args:
            loss: of each image (N,); upstream backpropagates the mean.
            fake: generated images (N, C, H, W) in [-1, 1].
            real: as many real images.
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
