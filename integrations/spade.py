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
    model.ffl_term = _opt.begin(model.opt, UPSTREAM)


def add_term(model: Any, losses: dict[str, Tensor], fake: Tensor, real: Tensor) -> None:
    """Put the weighted term of two batches (N, C, H, W) in [-1, 1] into ``losses["FFL"]``; nothing when off.

    Upstream sums the dict, and prints it.
    """
    if not hasattr(model, "ffl_term"):  # a subclass whose constructor never came to `setup`
        setup(model)
    if model.ffl_term is not None:
        losses["FFL"] = model.ffl_term(model, fake, real)
