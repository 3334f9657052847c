"""Training configured by an ``opt`` namespace, as in the pix2pix family."""

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
    """Read settings from the ``ffl_*`` attributes of parsed options; missing ones keep their defaults.

    A model whose subclass overrides the option method without calling the patched one trains without FFL.

    Raises:
        SettingsError: an invalid value.
    """
    names = {flag.setting: f"ffl_{flag.setting}" for flag in upstream.flags()}
    return upstream.settings({s: getattr(opt, n) for s, n in names.items() if hasattr(opt, n)})


def setup(model: Any, upstream: Upstream, prints: Sequence[str] = (), gradients: Sequence[str] = ()) -> None:
    """Read ``model.opt`` and set ``model.ffl_term`` to an `OptTerm`, or None when off or in a test.

    The settings are recorded beside the upstream's own; a warning says if ``--continue_train`` changes them.

    Args:
        model: the upstream's model.
        upstream: the upstream.
        prints: names of the terms that the model will print, as ``loss_NAME``.
        gradients: sources whose gradient norms it prints with ``--ffl-monitor``, as ``loss_grad_NAME``.
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
    _process.warn(upstream.without_effect(settings))
    record = Record(_checkpoint_folder(opt))
    before = record.enter(settings, continued=bool(getattr(opt, "continue_train", False)))
    if not settings.on:
        return None
    # The upstream's --epoch_count says where a training continues; without it, the record does.
    return OptTerm(
        settings, record, replace(before, epochs=int(getattr(opt, "epoch_count", 1)) - 1 or before.epochs)
    )


def _checkpoint_folder(opt: object) -> Optional[Path]:
    """The folder of a training's checkpoints; None in forks whose options do not define it."""
    folder, name = getattr(opt, "checkpoints_dir", None), getattr(opt, "name", None)
    return None if folder is None or name is None else Path(folder) / name


def as_losses(model: Any, domain: str = "") -> Report:
    """Return a report function that sets the losses which the model prints."""
    return lambda source, norm: setattr(model, f"loss_grad_{source}{domain}", norm)


class NotAdded:
    """Placeholder of a printed loss until it is computed; converting it raises an error.

    A custom class of the clone may inherit the patched constructor but define its own backward pass.
    """

    def __init__(self, model: object) -> None:
        self._model = type(model)

    def __float__(self) -> float:
        """Raise ``FFLError`` when the upstream prints the losses of its first steps."""
        raise FFLError(
            f"{self._model.__name__} in {self._model.__module__} trains without the FFL term: its backward_G "
            "is not the patched one; call that, or add the term as in `ffl-patch diff`"
        )


class OptTerm:
    """The term of one model; counts epochs if its settings have a schedule."""

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

        If the patch factor does not divide the images, exit as argparse does. The other arguments are those
        of `FrequencyTerm`.
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
