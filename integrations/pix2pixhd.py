"""What a patched pix2pixHD imports: flags for ``train_options.py``, the term for ``pix2pixHD_model.py``.

Generated and real images are pairs, and each is compared with its own: the default spectrum is ``image``.
The model returns its losses in the order of ``loss_names``; ``train.py`` adds ``G_FFL`` to the generator's.
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
    """Add the ``--ffl-*`` flags; a value that cannot train ends in the parser's own error."""
    _argparse.add_options(parser, UPSTREAM)


def setup(model: Any) -> None:
    """Read ``model.opt``; when FFL is on, have the model name its term ``G_FFL`` among its losses.

    With ``--ffl-monitor`` also what the last monitored step found, as constants that pull at nothing:
    ``grad_FFL``, and ``grad_rest`` for all of upstream's losses together.
    The settings go on record beside ``opt.txt``; a warning is logged if ``--continue_train`` changes them.
    """
    _opt.setup(model, UPSTREAM)
    if model.ffl_term is not None:
        model.ffl_gradients = {}
        model.ffl_filter = model.loss_filter
        monitored = ("grad_FFL", "grad_rest") if model.ffl_term.settings.monitor > 0 else ()
        model.loss_names = [*model.loss_names, "G_FFL", *monitored]


def add_term(model: Any, fake: Tensor, real: Tensor) -> None:
    """Have ``model.loss_filter`` append the weighted term of two batches; nothing when off.

    The batches are (N, C, H, W) in [-1, 1]. The filter belongs to the replica of one device, and is made anew
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
    """Return ``loss`` plus the term that a step has among its named losses; itself when off."""
    return loss + losses["G_FFL"] if "G_FFL" in losses else loss
