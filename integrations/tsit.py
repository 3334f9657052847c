"""FFL for TSIT: flags for ``train_options.py``, and the term for ``pix2pix_model.py``.

In semantic image synthesis (``--task SIS``) the style image is the photograph of the label map, and the
generated image is compared with it, as in SPADE. In other tasks the generated image has no target.
"""

from __future__ import annotations

import argparse

from ffl_plugin.integrations import _argparse
from ffl_plugin.integrations._flags import SettingsError
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations.spade import UPSTREAM, add_term, setup

__all__ = ["add_options", "add_term", "setup"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the ``--ffl-*`` flags; the parser reports invalid values and any task other than SIS."""
    _argparse.add_options(parser, UPSTREAM, check=_check)


def _check(options: argparse.Namespace, settings: Settings) -> None:
    task = getattr(options, "task", "SIS")
    if settings.on and task != "SIS":
        raise SettingsError(
            f"FFL compares a generated image with its target, but --task {task} has none; "
            "train with --task SIS, or without FFL"
        )
