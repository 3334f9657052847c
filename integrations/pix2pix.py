"""What a patched pytorch-CycleGAN-and-pix2pix imports in ``pix2pix_model.py``.

Generated and real images are pairs; the default spectrum is ``batch``, which at pix2pix's batch size of 1 is
``image``. With larger batches, ``--ffl-spectrum image`` compares each image with its own target.
"""

from __future__ import annotations

import argparse
from typing import Any

from torch import Tensor

from ffl_plugin.integrations import _argparse, _opt
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="batch"), unit="epochs")


def add_options(parser: argparse.ArgumentParser, is_train: bool = True) -> None:
    """Add the ``--ffl-*`` flags to the options of a training; a test gets none.

    A value that cannot train ends in the parser's own error.
    """
    _argparse.add_options(parser, UPSTREAM, is_train)


def setup(model: Any) -> None:
    """Read ``model.opt``; when FFL is on, have the model print it as ``G_FFL``.

    With ``--ffl-monitor`` also its gradient as ``grad_FFL``, the adversarial one as ``grad_GAN``, and that of
    all of upstream's losses, L1 among them, as ``grad_rest``.
    The settings go on record beside ``train_opt.txt``; a warning tells if ``--continue_train`` changes them.
    """
    whose = ("FFL", "GAN", "rest") if "G_GAN" in model.loss_names else ("FFL", "rest")
    _opt.setup(model, UPSTREAM, ("G_FFL",), whose)


def add_term(model: Any, loss: Tensor, fake: Tensor, real: Tensor) -> Tensor:
    """Return ``loss`` plus the weighted term of two batches (N, C, H, W) in [-1, 1]; itself when off.

    The term is kept as ``model.loss_G_FFL``, where upstream looks for the losses it prints.
    """
    if not hasattr(model, "ffl_term"):  # a subclass whose constructor never came to `setup`
        setup(model)
    if model.ffl_term is None:
        return loss
    adversarial = getattr(model, "loss_G_GAN", None)
    model.loss_G_FFL = model.ffl_term(model, fake, real, _opt.as_losses(model), adversarial)
    total: Tensor = loss + model.loss_G_FFL
    return total
