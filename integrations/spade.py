"""What a patched SPADE imports: flags for ``train_options.py``, the term for ``pix2pix_model.py``.

Generated and real images are pairs, and each is compared with its own: the default spectrum is ``image``.
"""

from __future__ import annotations

import argparse
from typing import Any

from torch import Tensor

from ffl_plugin.integrations import _argparse, _opt
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="image"))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the ``--ffl-*`` flags; a value that cannot train ends in the parser's own error."""
    _argparse.add_options(parser, UPSTREAM)


def setup(model: Any) -> None:
    """Read ``model.opt`` in the model's constructor.

    The settings go on record beside ``opt.txt``; a warning tells if ``--continue_train`` changes them.
    """
    _opt.setup(model, UPSTREAM)
    model.ffl_gradients = {}


def add_term(model: Any, losses: dict[str, Tensor], fake: Tensor, real: Tensor) -> None:
    """Put the weighted term of two batches (N, C, H, W) in [-1, 1] into ``losses["FFL"]``; nothing when off.

    Upstream sums the dict, and prints it. With ``--ffl-monitor`` it also gets, as constants that pull at
    nothing, what the last monitored step found: ``grad_FFL``, and ``grad_rest`` for all of upstream's losses
    together.
    """
    if not hasattr(model, "ffl_term"):  # a subclass whose constructor never came to `setup`
        setup(model)
    if model.ffl_term is None:
        return
    gradients = model.ffl_gradients  # one dict for the replicas on all devices
    losses.update((f"grad_{whose}", pull.to(fake.device)) for whose, pull in gradients.items())
    losses["FFL"] = model.ffl_term(model, fake, real, gradients.__setitem__, name=fake.device)
