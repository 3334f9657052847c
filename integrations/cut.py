"""What a patched contrastive-unpaired-translation imports in ``cut_model.py``.

A translated image has no target. With ``--nce_idt``, CUT also passes images of the target domain through the
generator, which should leave them as they are: each is compared with itself. FastCUT makes none.
"""

from __future__ import annotations

import argparse
from typing import Any

from torch import Tensor

from ffl_plugin.integrations import _argparse, _opt
from ffl_plugin.integrations._flags import SettingsError
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="image"), unit="epochs")


def add_options(parser: argparse.ArgumentParser, is_train: bool = True) -> None:
    """Add the ``--ffl-*`` flags to the options of a training; a test gets none.

    A value that cannot train ends in the parser's own error, and so does a training without ``--nce_idt``.
    """
    _argparse.add_options(parser, UPSTREAM, is_train, _check)


def _check(options: argparse.Namespace, settings: Settings) -> None:
    if settings.on and not getattr(options, "nce_idt", True):
        raise SettingsError(
            "FFL compares the identity images of CUT, and this training makes none (FastCUT, or --nce_idt "
            "False); train with --nce_idt True, or without FFL"
        )


def setup(model: Any) -> None:
    """Read ``model.opt``; when FFL is on, have the model print it as ``G_FFL``.

    With ``--ffl-monitor`` also its gradient at the identity images as ``grad_FFL``, and that of the
    contrastive loss there as ``grad_rest``: no adversarial one gets there.
    The settings go on record beside ``train_opt.txt``; a warning tells if ``--continue_train`` changes them.
    """
    _opt.setup(model, UPSTREAM, ("G_FFL",), ("FFL", "rest"))


def add_term(model: Any, loss: Tensor) -> Tensor:
    """Return ``loss`` plus the weighted term of ``model.idt_B``; itself when off.

    ``model.idt_B`` is compared with the images that it was made from, (N, C, H, W) in [-1, 1]: the last of
    ``model.real``, which is flipped where the training asks for it. The term is kept as ``model.loss_G_FFL``.
    """
    if not hasattr(model, "ffl_term"):  # a subclass whose constructor never came to `setup`
        setup(model)
    # Before the first step upstream takes a gradient that only sets the feature network up. It has no
    # learning rate schedule then, by which epochs are counted.
    if model.ffl_term is None or not getattr(model, "schedulers", None):
        return loss
    source = model.real[len(model.real) - len(model.idt_B) :]
    model.loss_G_FFL = model.ffl_term(model, model.idt_B, source, _opt.as_losses(model))
    total: Tensor = loss + model.loss_G_FFL
    return total
