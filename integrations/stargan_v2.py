"""What a patched stargan-v2 imports: flags for ``main.py``, the term for ``core/solver.py``.

A translated image has no target. StarGAN v2 translates it back to the domain it came from, and that image is
compared with the one it started from, once for styles from latent codes and once for those of references.
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
    """Add the ``--ffl-*`` flags; a value that cannot train ends in the parser's own error."""
    _argparse.add_options(parser, UPSTREAM, check=_check)


def _check(options: argparse.Namespace, settings: Settings) -> None:
    if settings.on:
        settings.check_image_size(options.img_size, options.img_size)


def setup(args: Any) -> None:
    """Make ``args.ffl_term`` for a training: a `CycleTerm`; None when off, or in another ``--mode``.

    The settings go on record beside the checkpoints; a warning tells if ``--resume_iter`` changes them.
    """
    args.ffl_term = None
    if args.mode != "train":
        return
    settings = settings_of(args, UPSTREAM)
    idle = UPSTREAM.without_effect(settings)
    if idle:
        _process.warn(idle)
    record = Record(Path(args.checkpoint_dir))
    begins = int(args.resume_iter)
    before = record.enter(settings, begins > 0, "--resume_iter", begins)
    if settings.on:
        args.ffl_term = CycleTerm(settings, record, begins, before.weight)


def add_term(args: Any, loss: Tensor, rec: Tensor, real: Tensor, style: str) -> Tensor:
    """Return ``loss`` plus the weighted term of two batches (N, C, H, W) in [-1, 1]; ``loss`` when off.

    Args:
        args: upstream's options.
        loss: of the generator.
        rec: images that were translated, and translated back.
        real: those they come from.
        style: where the styles of the step come from, "latent" or "ref".
    """
    if not hasattr(args, "ffl_term"):  # a solver whose constructor never came to `setup`
        setup(args)
    return loss if args.ffl_term is None else loss + args.ffl_term(rec, real, style)


def losses(args: Any) -> dict[str, float]:
    """Return what upstream prints beside its losses: the last terms and, with ``--ffl-monitor``, gradients.

    ``G/latent_ffl`` and ``G/ref_ffl`` are weighted. ``G/latent_grad_rest`` and its like are the gradient of
    the cycle loss at the reconstructions: no adversarial one gets there.
    """
    term = getattr(args, "ffl_term", None)
    return {} if term is None else {name: float(value) for name, value in term.shown.items()}


class CycleTerm:
    """The term of one training, of two generator steps in each iteration.

    Args:
        settings: of the training.
        record: of its checkpoints' folder.
        begins: the iterations that were trained before.
        weight: what they found for the share; None where there is none to go on with.
    """

    def __init__(self, settings: Settings, record: Record, begins: int, weight: Optional[float]) -> None:
        self._term = FrequencyTerm(settings, weight, self._found)
        self._record = record
        self._share = settings.share
        self._begins = begins
        self._steps: Counter[str] = Counter()
        self.shown: dict[str, Tensor] = {}

    def __call__(self, rec: Tensor, real: Tensor, style: str) -> Tensor:
        """Weighted loss, a scalar, of the reconstructions of one of the two steps."""

        def report(whose: str, pull: Tensor) -> None:
            self.shown[f"G/{style}_grad_{whose.lower()}"] = pull

        position = self._begins + self._steps[style]
        self._steps[style] += 1
        # Upstream's R1 penalty leaves the real images with requires_grad set, and nothing trains them.
        term = self._term(rec, real.detach(), position, report, name=style)
        self.shown[f"G/{style}_ffl"] = term.detach()
        return term

    def _found(self, weight: float) -> None:
        # It is found before the step of an iteration is counted as over.
        self._record.enter_weight(self._share, weight, self._begins + max(self._steps.values()))
