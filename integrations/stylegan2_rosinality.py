"""FFL for rosinality's stylegan2-pytorch: flags for ``train.py``, and the term for its training loop.

A step has equal numbers of real and generated images, which are unpaired, so the default spectrum is
``batch``, the average of the FFL paper on StyleGAN2: over the ``--batch`` images of one process.

Upstream's checkpoints contain ``args``, and so the flags and the calibrated weight of a share.
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
    """Add the ``--ffl-*`` flags; the parser reports invalid values."""
    _argparse.add_options(parser, UPSTREAM, check=_check)


def _check(options: argparse.Namespace, settings: Settings) -> None:
    size = getattr(options, "size", None)
    if settings.on and isinstance(size, int):
        settings.check_image_size(size, size)


def resume(args: Any, checkpoint: Mapping[str, Any]) -> None:
    """Restore the calibrated weight of a checkpoint of the same loss and share; warn if settings changed."""
    settings, source = _opt.settings_of(args, UPSTREAM), Path(args.ckpt)
    if "args" not in checkpoint:
        if settings.share > 0:
            _process.warn(f"{source} contains no options of its training, so --ffl-share recalibrates")
        return
    before = _opt.settings_of(checkpoint["args"], UPSTREAM)
    _process.warn(describe_change("--ckpt", before.to_json(), settings, source))
    if settings.share > 0 and not settings.invalidating_changes(before.to_json()):
        args.ffl_found = getattr(checkpoint["args"], "ffl_found", None)


class GeneratorTerm:
    """The loss term of one training, from its parsed options."""

    def __init__(self, args: Any) -> None:
        self._args = args
        self._settings = _opt.settings_of(args, UPSTREAM)
        _process.warn(UPSTREAM.without_effect(self._settings))
        found = getattr(args, "ffl_found", None)
        if self._settings.share > 0 and found is not None:
            _process.echo(f"--ckpt was trained with the weight {found} for this share; continuing with it")
        self._term = FrequencyTerm(self._settings, found, self._store)
        self._norms: dict[str, Tensor] = {}

    def __call__(self, fake: Tensor, real: Tensor, iteration: int) -> Optional[Tensor]:
        """Return the weighted loss, a scalar, of two batches (N, C, H, W) in [-1, 1]; None when off.

        Args:
            fake: generated images.
            real: real images, which require a gradient in R1 steps.
            iteration: number of steps before this one, including those of the checkpoint.
        """
        if not self._settings.on:
            return None
        kimg = iteration * len(real) * _process.world_size() / 1000
        return self._term(fake, real.detach(), kimg, self._norms.__setitem__)

    def show(self, losses: Mapping[str, Tensor], progress: Any) -> None:
        """Show the term with upstream's losses, on the progress bar and in wandb; nothing when off.

        With ``--ffl-monitor``, also gradient norms of the last monitored step; with a share, its weight.

        Args:
            losses: upstream's losses, averaged over all processes.
            progress: upstream's progress bar; a plain range except in the main process.
        """
        if not self._settings.on or not _process.is_main():
            return
        shown = {"FFL": float(losses["ffl"].detach())}
        shown.update({f"Gradient {whose}": float(norm) for whose, norm in self._norms.items()})
        if self._settings.share > 0 and self._term.weight is not None:
            shown["FFL weight"] = self._term.weight
        progress.set_postfix(shown, refresh=False)
        wandb = sys.modules.get("wandb")
        if wandb is not None and wandb.run is not None:
            wandb.log(shown, commit=False)  # upstream's own call ends the step

    def _store(self, weight: float) -> None:
        self._args.ffl_found = weight
