"""Integration for llamagen: flags for ``vq_train.py``, the loss term for ``vq_loss.py``.

Each reconstruction is compared with its image, so the default spectrum is ``image``. The checkpoints contain
``args``, and with it the flags and the calibrated weight of a share.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from torch import Tensor

from ffl_plugin.as_text import shortest
from ffl_plugin.integrations import _argparse, _opt, _process
from ffl_plugin.integrations._record import describe_change
from ffl_plugin.integrations._settings import Settings, Upstream
from ffl_plugin.integrations._term import FrequencyTerm

UPSTREAM = Upstream(Settings(spectrum="image"), unit="iterations")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the ``--ffl-*`` flags; invalid values are parser errors."""
    _argparse.add_options(parser, UPSTREAM, check=_check)


def _check(options: argparse.Namespace, settings: Settings) -> None:
    size = getattr(options, "image_size", None)
    if settings.on and isinstance(size, int):
        settings.check_image_size(size, size)


def setup(vq_loss: Any, args: Any) -> None:
    """Set ``vq_loss.ffl_term`` to a `TokenizerTerm` with the options of a training, or to None when off."""
    settings = _opt.settings_of(args, UPSTREAM)
    idle = UPSTREAM.without_effect(settings)
    if idle:
        _process.warn(idle)
    vq_loss.ffl_term = TokenizerTerm(args, settings) if settings.on else None


def resume(args: Any, checkpoint: Mapping[str, Any]) -> None:
    """Restore the calibrated weight of a checkpoint of the same loss and share; warn if settings changed.

    ``--finetune`` begins another training, at step 0, which calibrates anew.
    """
    if getattr(args, "finetune", False):
        return
    settings, source = _opt.settings_of(args, UPSTREAM), Path(args.vq_ckpt)
    if "args" not in checkpoint:
        if settings.share > 0:
            _process.warn(f"{source} contains no options of its training, so --ffl-share recalibrates")
        return
    before = _opt.settings_of(checkpoint["args"], UPSTREAM)
    sentence = describe_change("--vq-ckpt", before.to_json(), settings, source)
    if sentence:
        _process.warn(sentence)
    if settings.share > 0 and not settings.invalidating_changes(before.to_json()):
        args.ffl_found = getattr(checkpoint["args"], "ffl_found", None)


def add_term(
    vq_loss: Any,
    loss: Tensor,
    reconstructions: Tensor,
    inputs: Tensor,
    global_step: int,
    logger: Any,
    log_every: int,
) -> Tensor:
    """Return ``loss`` plus the weighted term of two batches (N, C, H, W) in [-1, 1]; ``loss`` when off.

    Args:
        vq_loss: upstream's loss, not necessarily one of a training that called `setup`.
        loss: the complete generator loss.
        reconstructions: output of the decoder, in any precision; the term is computed in float32.
        inputs: its targets.
        global_step: number of the step, from 1.
        logger: upstream's logger.
        log_every: steps between its lines.
    """
    term = getattr(vq_loss, "ffl_term", None)
    if term is None:
        return loss
    value: Tensor = term(reconstructions, inputs, global_step - 1)
    if logger is not None and global_step % log_every == 0:
        logger.info(term.line(value))
    return loss + value


class TokenizerTerm:
    """The loss term of one training, from its parsed options, in which a calibrated weight is stored."""

    def __init__(self, args: Any, settings: Settings) -> None:
        self._args = args
        self._settings = settings
        self._term: Optional[FrequencyTerm] = None  # the checkpoint is read after the loss is made
        self._norms: dict[str, Tensor] = {}

    def __call__(self, reconstructions: Tensor, inputs: Tensor, iterations: int) -> Tensor:
        """Return the weighted loss, a scalar, of the batches of a step after so many iterations."""
        if self._term is None:
            self._term = FrequencyTerm(self._settings, getattr(self._args, "ffl_found", None), self._found)
        return self._term(reconstructions, inputs, iterations, self._norms.__setitem__)

    def line(self, value: Tensor) -> str:
        """Return a line for the log: the term, gradient norms of ``--ffl-monitor``, the weight of a share."""
        shown = {"ffl_loss": float(value.detach())}
        shown.update({f"grad_{source}": float(norm) for source, norm in self._norms.items()})
        text = ", ".join(f"{name}: {number:.4g}" for name, number in shown.items())
        weight = self._term.weight if self._term is not None and self._settings.share > 0 else None
        return f"(FFL) {text}" if weight is None else f"(FFL) {text}, weight: {shortest(weight)}"

    def _found(self, weight: float) -> None:
        self._args.ffl_found = weight
