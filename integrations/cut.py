"""FFL for contrastive-unpaired-translation's ``cut_model.py``.

A translated image has no target. With ``--nce_idt``, CUT also passes images of the target domain through the
generator, which should not change them: each is compared with itself. FastCUT has no such images.
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
    """Add the ``--ffl-*`` flags to a training's options; a test gets none.

    The parser reports invalid values, and a training without ``--nce_idt``.
    """
    _argparse.add_options(parser, UPSTREAM, is_train, _check)


def _check(options: argparse.Namespace, settings: Settings) -> None:
    if settings.on and not getattr(options, "nce_idt", True):
        raise SettingsError(
            "FFL compares CUT's identity images, but this training has none (FastCUT, or --nce_idt False); "
            "train with --nce_idt True, or without FFL"
        )


def setup(model: Any) -> None:
    """Read ``model.opt``; when FFL is on, make the model print it as ``G_FFL``.

    With ``--ffl-monitor``, it also prints gradient norms at the identity images: FFL's as ``grad_FFL`` and
    the contrastive loss's as ``grad_rest``; the adversarial loss does not reach them.
    The settings are recorded beside ``train_opt.txt``; a warning says if ``--continue_train`` changes them.
    """
    _opt.setup(model, UPSTREAM, ("G_FFL",), ("FFL", "rest"))


def add_term(model: Any, loss: Tensor) -> Tensor:
    """Return ``loss`` plus the weighted term of ``model.idt_B``; itself when off.

    ``model.idt_B`` is compared with its source images, (N, C, H, W) in [-1, 1]: the last of ``model.real``,
    which is flipped if the training requests it. The term is stored as ``model.loss_G_FFL``.
    """
    if not hasattr(model, "ffl_term"):  # a subclass whose constructor did not call `setup`
        setup(model)
    # Before the first step, the upstream computes a gradient only to initialise the feature network. The
    # learning rate schedule, by which epochs are counted, does not exist yet.
    if model.ffl_term is None or not getattr(model, "schedulers", None):
        return loss
    source = model.real[len(model.real) - len(model.idt_B) :]
    model.loss_G_FFL = model.ffl_term(model, model.idt_B, source, _opt.as_losses(model))
    total: Tensor = loss + model.loss_G_FFL
    return total
