"""FFL for stargan-v2: flags for ``main.py``, and the term for ``core/solver.py``.

A translated image has no target. StarGAN v2 translates it back to its domain, and the result is compared with
the source image, once with styles from latent codes and once with those of reference images.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any, Optional

from torch import Tensor

from ffl_plugin.integrations import _argparse, _process
from ffl_plugin.integrations._opt import settings_of
from ffl_plugin.integrations._record import Record
from ffl_plugin.integrations._settings import Settings, Upstream
from ffl_plugin.integrations._term import FrequencyTerm

UPSTREAM = Upstream(Settings(spectrum="image"), unit="iterations")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the ``--ffl-*`` flags; the parser reports invalid values."""
    _argparse.add_options(parser, UPSTREAM, check=_check)


def _check(options: argparse.Namespace, settings: Settings) -> None:
    if settings.on:
        settings.check_image_size(options.img_size, options.img_size)


def setup(args: Any) -> None:
    """Set ``args.ffl_term`` to a `CycleTerm`, or None when off or in another ``--mode``.

    The settings are recorded beside the checkpoints; a warning is printed if they change with
    ``--resume_iter``.
    """
    args.ffl_term = None
    if args.mode != "train":
        return
    settings = settings_of(args, UPSTREAM)
    _process.warn(UPSTREAM.without_effect(settings))
    record = Record(Path(args.checkpoint_dir))
    begins = int(args.resume_iter)
    before = record.enter(settings, begins > 0, "--resume_iter", begins)
    if settings.on:
        args.ffl_term = CycleTerm(settings, record, begins, before.weight)


def add_term(args: Any, loss: Tensor, rec: Tensor, real: Tensor, style: str) -> Tensor:
    """Return ``loss`` plus the weighted term of two batches (N, C, H, W) in [-1, 1]; ``loss`` when off.

    Args:
        args: upstream's options.
        loss: loss of the generator.
        rec: images translated back.
        real: their source images.
        style: source of the styles of this step, "latent" or "ref".
    """
    if not hasattr(args, "ffl_term"):  # a solver whose constructor did not call `setup`
        setup(args)
    return loss if args.ffl_term is None else loss + args.ffl_term(rec, real, style)


def losses(args: Any) -> dict[str, float]:
    """Return values to print: the last terms and, with ``--ffl-monitor``, gradient norms.

    ``G/latent_ffl`` and ``G/ref_ffl`` are weighted. ``G/latent_grad_rest`` and ``G/ref_grad_rest`` are
    gradient norms of the cycle loss at the reconstructions, which no adversarial loss reaches.
    """
    term = getattr(args, "ffl_term", None)
    return {} if term is None else {name: float(value) for name, value in term.shown.items()}


class CycleTerm:
    """The loss term of one training, with two generator steps per iteration.

    Args:
        settings: settings of the training.
        record: record in the checkpoint folder.
        begins: number of iterations trained before.
        weight: weight calibrated in them for the share, if any.
    """

    def __init__(self, settings: Settings, record: Record, begins: int, weight: Optional[float]) -> None:
        self._term = FrequencyTerm(settings, weight, self._found)
        self._record = record
        self._share = settings.share
        self._begins = begins
        self._steps: Counter[str] = Counter()
        self.shown: dict[str, Tensor] = {}

    def __call__(self, rec: Tensor, real: Tensor, style: str) -> Tensor:
        """Return the weighted loss, a scalar, of the reconstructions of one of the two steps."""

        def report(whose: str, norm: Tensor) -> None:
            self.shown[f"G/{style}_grad_{whose.lower()}"] = norm

        position = self._begins + self._steps[style]
        self._steps[style] += 1
        # Upstream's R1 penalty leaves requires_grad set on the real images, which are not trained.
        term = self._term(rec, real.detach(), position, report, name=style)
        self.shown[f"G/{style}_ffl"] = term.detach()
        return term

    def _found(self, weight: float) -> None:
        # Called before the step is counted as completed.
        self._record.enter_weight(self._share, weight, self._begins + max(self._steps.values()))
