"""The term for models that generate one image per target, with pix2pix's options and losses."""

from __future__ import annotations

import argparse
from typing import Any

from torch import Tensor

from ffl_plugin.integrations import _argparse, _opt
from ffl_plugin.integrations._settings import Upstream


class PairedModel:
    """The functions that a patched model file imports.

    Args:
        upstream: the upstream.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def add_options(self, parser: argparse.ArgumentParser, is_train: bool = True) -> None:
        """Add the ``--ffl-*`` flags to a training's options; a test gets none.

        The parser reports invalid values.
        """
        _argparse.add_options(parser, self._upstream, is_train)

    def setup(self, model: Any) -> None:
        """Read ``model.opt``; when FFL is on, make the model print it as ``G_FFL``.

        With ``--ffl-monitor``, it also prints gradient norms: FFL's as ``grad_FFL``, the adversarial loss's
        as ``grad_GAN``, and that of all of the upstream's losses, including L1, as ``grad_rest``.
        The settings are recorded beside ``train_opt.txt``; a warning is logged if ``--continue_train``
        changes them.
        """
        sources = ("FFL", "GAN", "rest") if "G_GAN" in model.loss_names else ("FFL", "rest")
        _opt.setup(model, self._upstream, ("G_FFL",), sources)

    def add_term(self, model: Any, loss: Tensor, fake: Tensor, real: Tensor) -> Tensor:
        """Return ``loss`` plus the weighted term of two batches (N, C, H, W) in [-1, 1]; itself when off.

        The term is stored as ``model.loss_G_FFL``, where the upstream looks for losses to print.
        """
        if not hasattr(model, "ffl_term"):  # a subclass whose constructor did not call `setup`
            self.setup(model)
        if model.ffl_term is None:
            return loss
        adversarial = getattr(model, "loss_G_GAN", None)
        model.loss_G_FFL = model.ffl_term(model, fake, real, _opt.as_losses(model), adversarial)
        total: Tensor = loss + model.loss_G_FFL
        return total
