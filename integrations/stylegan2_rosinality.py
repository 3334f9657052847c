"""What a patched stylegan2-pytorch by rosinality imports in ``train.py``.

The real images of a step are as many as the generated ones and unrelated to them, so the default spectrum
is ``batch``, the average that the FFL paper takes on StyleGAN2: over the ``--batch`` images of one process.

A checkpoint of upstream's keeps ``args``, and in it the flags and the weight that a share found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from torch import Tensor

from ffl_plugin.integrations import _argparse, _opt, _process
from ffl_plugin.integrations._record import describe_change
from ffl_plugin.integrations._settings import Settings, Upstream
from ffl_plugin.integrations._term import FrequencyTerm
from ffl_plugin.integrations._variants import UNPAIRED_VARIANTS

UPSTREAM = Upstream(Settings(spectrum="batch"), unit="kimg", variants=UNPAIRED_VARIANTS)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the ``--ffl-*`` flags; a value that cannot train ends in the parser's own error."""
    _argparse.add_options(parser, UPSTREAM, check=_check)


def _check(options: argparse.Namespace, settings: Settings) -> None:
    size = getattr(options, "size", None)
    if settings.on and isinstance(size, int):
        settings.check_image_size(size, size)


def resume(args: Any, checkpoint: Mapping[str, Any]) -> None:
    """Take the weight that the training of a checkpoint found for the same share; warn of other settings."""
    settings, source = _opt.settings_of(args, UPSTREAM), Path(args.ckpt)
    if "args" not in checkpoint:
        if settings.share > 0:
            _process.warn(f"{source} keeps no options of its training, so --ffl-share finds its weight anew")
        return
    before = _opt.settings_of(checkpoint["args"], UPSTREAM)
    sentence = describe_change("--ckpt", before.to_json(), settings, source)
    if sentence:
        _process.warn(sentence)
    if settings.share > 0 and before.share == settings.share:
        args.ffl_found = getattr(checkpoint["args"], "ffl_found", None)


class GeneratorTerm:
    """The term of one training, made from its parsed options."""

    def __init__(self, args: Any) -> None:
        self._args = args
        self._settings = _opt.settings_of(args, UPSTREAM)
        idle = UPSTREAM.without_effect(self._settings)
        if idle:
            _process.warn(idle)
        found = getattr(args, "ffl_found", None)
        if self._settings.share > 0 and found is not None:
            _process.say(f"--ckpt was trained with the weight {found} for this share, and goes on with it")
        self._term = FrequencyTerm(self._settings, found, self._keep)
        self._pulls: dict[str, Tensor] = {}

    def __call__(self, fake: Tensor, real: Tensor, iteration: int) -> Optional[Tensor]:
        """Weighted loss, a scalar, of two batches (N, C, H, W) in [-1, 1]; None when off.

        Args:
            fake: generated images.
            real: photographs; R1 has them require a gradient in some steps.
            iteration: how many steps were taken before, those of the checkpoint included.
        """
        if not self._settings.on:
            return None
        kimg = iteration * len(real) * _process.count() / 1000
        return self._term(fake, real.detach(), kimg, self._pulls.__setitem__)

    def show(self, losses: Mapping[str, Tensor], progress: Any) -> None:
        """Show the term beside upstream's losses, on its progress bar and in wandb; nothing when off.

        With ``--ffl-monitor`` also what the last monitored step found, and with a share its weight.

        Args:
            losses: upstream's, averaged over all processes.
            progress: upstream's bar; a plain range in all processes but the first.
        """
        if not self._settings.on or _process.rank() != 0:
            return
        shown = {"FFL": float(losses["ffl"].detach())}
        shown.update({f"Gradient {whose}": float(pull) for whose, pull in self._pulls.items()})
        if self._settings.share > 0 and self._term.weight is not None:
            shown["FFL weight"] = self._term.weight
        progress.set_postfix(shown, refresh=False)
        wandb = sys.modules.get("wandb")
        if wandb is not None and wandb.run is not None:
            wandb.log(shown, commit=False)  # upstream's own call ends the step

    def _keep(self, weight: float) -> None:
        self._args.ffl_found = weight
