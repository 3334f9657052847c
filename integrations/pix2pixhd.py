"""FFL for pix2pixHD: flags for ``train_options.py``, and the term for ``pix2pixHD_model.py``.

Each generated image is compared with its target: the default spectrum is ``image``. The model returns its
losses in the order of ``loss_names``; ``train.py`` adds ``G_FFL`` to the generator's.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ffl_plugin.integrations import _argparse, _opt
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="image"))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the ``--ffl-*`` flags; the parser reports invalid values."""
    _argparse.add_options(parser, UPSTREAM)


def setup(model: Any) -> None:
    """Read ``model.opt``; when FFL is on, make the model list its term as ``G_FFL`` among its losses.

    With ``--ffl-monitor``, it also lists the gradient norms of the last monitored step, as constants without
    gradient: ``grad_FFL``, and ``grad_rest`` for all of the upstream's losses together.
    The settings are recorded beside ``opt.txt``; a warning is logged if ``--continue_train`` changes them.
    """
    _opt.setup(model, UPSTREAM)
    if model.ffl_term is not None:
        model.ffl_gradients = {}
        model.ffl_filter = model.loss_filter
        monitored = ("grad_FFL", "grad_rest") if model.ffl_term.settings.monitor > 0 else ()
        model.loss_names = [*model.loss_names, "G_FFL", *monitored]


def add_term(model: Any, fake: Tensor, real: Tensor) -> None:
    """Make ``model.loss_filter`` append the weighted term of two batches; no effect when off.

    The batches are (N, C, H, W) in [-1, 1]. The filter belongs to the replica on one device and is replaced
    in each of its steps.
    """
    if getattr(model, "ffl_term", None) is None:
        return
    gradients = model.ffl_gradients  # one dict for the replicas on all devices
    none_yet = torch.full((), float("nan"), device=fake.device)
    added = [gradients.get(name, none_yet).to(fake.device) for name in ("FFL", "rest")]
    if model.ffl_term.settings.monitor == 0:
        added = []
    term = model.ffl_term(model, fake, real, gradients.__setitem__, name=fake.device)
    own = model.ffl_filter
    model.loss_filter = lambda *losses: [*own(*losses), term, *added]


def with_term(loss: Tensor, losses: Mapping[str, Tensor]) -> Tensor:
    """Return ``loss`` plus the term among a step's named losses; ``loss`` itself when off."""
    return loss + losses["G_FFL"] if "G_FFL" in losses else loss
