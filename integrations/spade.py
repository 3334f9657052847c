"""FFL for SPADE: flags for ``train_options.py``, and the term for ``pix2pix_model.py``.

Each generated image is compared with its target: the default spectrum is ``image``.
"""

from __future__ import annotations

import argparse
from typing import Any

from torch import Tensor

from ffl_plugin.integrations import _argparse, _opt
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="image"))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the ``--ffl-*`` flags; the parser reports invalid values."""
    _argparse.add_options(parser, UPSTREAM)


def setup(model: Any) -> None:
    """Read ``model.opt`` in the model's constructor.

    The settings are recorded beside ``opt.txt``; a warning says if ``--continue_train`` changes them.
    """
    _opt.setup(model, UPSTREAM)
    model.ffl_gradients = {}


def add_term(model: Any, losses: dict[str, Tensor], fake: Tensor, real: Tensor) -> None:
    """Put the weighted term of two batches (N, C, H, W) in [-1, 1] into ``losses["FFL"]``, unless off.

    The upstream sums and prints the dict. With ``--ffl-monitor`` it also receives the gradient norms of the
    last monitored step, as constants without gradient: ``grad_FFL``, and ``grad_rest`` for all of the
    upstream's losses together.
    """
    if not hasattr(model, "ffl_term"):  # a subclass whose constructor did not call `setup`
        setup(model)
    if model.ffl_term is None:
        return
    gradients = model.ffl_gradients  # one dict for the replicas on all devices
    losses.update((f"grad_{source}", norm.to(fake.device)) for source, norm in gradients.items())
    losses["FFL"] = model.ffl_term(model, fake, real, gradients.__setitem__, name=fake.device)
