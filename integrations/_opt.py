"""Training from an ``opt`` namespace, as the pix2pix family does it."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Optional

from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._flags import SettingsError
from ffl_plugin.integrations._monitor import NOTHING_YET, Report
from ffl_plugin.integrations._record import Record, Trained
from ffl_plugin.integrations._schedule import EpochCounter
from ffl_plugin.integrations._settings import Settings, Upstream
from ffl_plugin.integrations._term import FrequencyTerm


def settings_of(opt: object, upstream: Upstream) -> Settings:
    """Settings from the ``ffl_*`` attributes of parsed options; what is absent keeps its default.

    A model whose subclass adds its own options without calling ours trains as if no flag were given.

    Raises:
        SettingsError: a value that cannot train.
    """
    names = {flag.setting: f"ffl_{flag.setting}" for flag in upstream.flags()}
    return upstream.settings({s: getattr(opt, n) for s, n in names.items() if hasattr(opt, n)})


def setup(model: Any, upstream: Upstream, prints: Sequence[str] = (), gradients: Sequence[str] = ()) -> None:
    """Read ``model.opt`` and make ``model.ffl_term``: an `OptTerm`; None when off, or in a test.

    The settings go on record beside upstream's own; a warning tells if ``--continue_train`` changes them.

    Args:
        model: upstream's.
        upstream: which upstream this is.
        prints: names of the terms that the model prints from now on, as ``loss_NAME``.
        gradients: whose pulls it prints with ``--ffl-monitor``, as ``loss_grad_NAME``.
    """
    model.ffl_term = _begin(model.opt, upstream)
    if model.ffl_term is None or not prints:
        return
    for name in prints:
        setattr(model, f"loss_{name}", NotAdded(model))
    monitored = gradients if model.ffl_term.settings.monitor > 0 else ()
    for name in monitored:
        setattr(model, f"loss_grad_{name}", NOTHING_YET)
    model.loss_names = [*model.loss_names, *prints, *(f"grad_{name}" for name in monitored)]


def _begin(opt: Any, upstream: Upstream) -> Optional[OptTerm]:
    if not getattr(opt, "isTrain", True):
        return None
    settings = settings_of(opt, upstream)
    idle = upstream.without_effect(settings)
    if idle:
        _process.warn(idle)
    record = Record(_checkpoint_folder(opt))
    before = record.enter(settings, continued=bool(getattr(opt, "continue_train", False)))
    if not settings.on:
        return None
    # Upstream's own --epoch_count says where a training goes on; without it, the record does.
    return OptTerm(
        settings, record, replace(before, epochs=int(getattr(opt, "epoch_count", 1)) - 1 or before.epochs)
    )


def _checkpoint_folder(opt: object) -> Optional[Path]:
    """Where upstream keeps a training's checkpoints; None for a fork whose options do not tell."""
    folder, name = getattr(opt, "checkpoints_dir", None), getattr(opt, "name", None)
    return None if folder is None or name is None else Path(folder) / name


def as_losses(model: Any, domain: str = "") -> Report:
    """Report to where the model looks for the losses it prints."""
    return lambda whose, pull: setattr(model, f"loss_grad_{whose}{domain}", pull)


class NotAdded:
    """Stands for the printed loss until it is computed; its number is a refusal to train without the term.

    A class of the clone's own may inherit the patched constructor and bring another backward pass.
    """

    def __init__(self, model: object) -> None:
        self._model = type(model)

    def __float__(self) -> float:
        """Raise ``FFLError``, where upstream comes to print the losses of its first steps."""
        raise FFLError(
            f"{self._model.__name__} in {self._model.__module__} trains without the term of FFL: "
            "its backward_G is not the patched one; call that, or add the term as `ffl-patch diff` shows it"
        )


class OptTerm:
    """The term of one model, which counts the model's epochs where its settings have a schedule."""

    def __init__(self, settings: Settings, record: Record, before: Trained) -> None:
        self.settings = settings
        self._term = FrequencyTerm(settings, before.weight, partial(record.enter_weight, settings.share))
        self._record = record
        self._epochs = before.epochs
        self._counter: Optional[EpochCounter] = None

    def __call__(
        self,
        model: Any,
        fake: Tensor,
        real: Tensor,
        report: Report,
        adversarial: Optional[Tensor] = None,
        name: Hashable = None,
    ) -> Tensor:
        """Weighted loss, a scalar, of two batches (N, C, H, W) in [-1, 1], in a step of ``model``.

        Where only the first images tell that the patch factor does not divide them, end as argparse does. The
        other arguments are those of `FrequencyTerm`.
        """
        try:
            position = self._position(model) if self.settings.scheduled else 0.0
            return self._term(fake, real, position, report, adversarial, name)
        except SettingsError as refusal:
            print(f"{Path(sys.argv[0]).name}: error: {refusal}", file=sys.stderr)
            sys.exit(2)

    def _position(self, model: Any) -> float:
        if self._counter is None:
            self._counter = EpochCounter(model, self._epochs)
        if self._counter.epochs() > self._epochs:
            self._epochs = self._counter.epochs()
            self._record.enter_epochs(self._epochs)
        return self._counter.position()
