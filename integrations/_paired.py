"""The term of a model that generates one image for one target, with the options and losses of pix2pix."""

from __future__ import annotations

import argparse
from typing import Any

from torch import Tensor

from ffl_plugin.integrations import _argparse, _opt
from ffl_plugin.integrations._settings import Upstream


class PairedModel:
    """What the file of a patched model imports.

    Args:
        upstream: which upstream this is.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def add_options(self, parser: argparse.ArgumentParser, is_train: bool = True) -> None:
        """Add the ``--ffl-*`` flags to the options of a training; a test gets none.

        A value that cannot train ends in the parser's own error.
        """
        _argparse.add_options(parser, self._upstream, is_train)

    def setup(self, model: Any) -> None:
        """Read ``model.opt``; when FFL is on, have the model print it as ``G_FFL``.

        With ``--ffl-monitor`` also its gradient as ``grad_FFL``, the adversarial one as ``grad_GAN``, and
        that of all of upstream's losses, L1 among them, as ``grad_rest``.
        The settings go on record beside ``train_opt.txt``; a warning is logged if ``--continue_train``
        changes them.
        """
        whose = ("FFL", "GAN", "rest") if "G_GAN" in model.loss_names else ("FFL", "rest")
        _opt.setup(model, self._upstream, ("G_FFL",), whose)

    def add_term(self, model: Any, loss: Tensor, fake: Tensor, real: Tensor) -> Tensor:
        """Return ``loss`` plus the weighted term of two batches (N, C, H, W) in [-1, 1]; itself when off.

        The term is kept as ``model.loss_G_FFL``, where upstream looks for the losses it prints.
        """
        if not hasattr(model, "ffl_term"):  # a subclass whose constructor never came to `setup`
            self.setup(model)
        if model.ffl_term is None:
            return loss
        adversarial = getattr(model, "loss_G_GAN", None)
        model.loss_G_FFL = model.ffl_term(model, fake, real, _opt.as_losses(model), adversarial)
        total: Tensor = loss + model.loss_G_FFL
        return total
