"""Training from an ``opt`` namespace, as the pix2pix family does it."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Optional

from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._flags import SettingsError
from ffl_plugin.integrations._monitor import NOTHING_YET, GradientMonitor, Report
from ffl_plugin.integrations._record import Record
from ffl_plugin.integrations._schedule import EpochCounter, share
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


def begin(opt: Any, upstream: Upstream) -> Optional[OptTerm]:
    """Put the settings in ``opt`` on record and return the term they make; None when off, or in a test."""
    if not getattr(opt, "isTrain", True):
        return None
    settings = settings_of(opt, upstream)
    idle = upstream.without_effect(settings)
    if idle:
        _process.warn(idle)
    record = Record(_checkpoint_folder(opt))
    recorded = record.enter(settings, continued=bool(getattr(opt, "continue_train", False)))
    if settings.weight == 0:
        return None
    # Upstream's own --epoch_count says where a training goes on; without it, the record does.
    before = int(getattr(opt, "epoch_count", 1)) - 1
    return OptTerm(settings, record, before or recorded)


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
            f"{self._model.__name__} in {self._model.__module__} trains without the term of --ffl-weight: "
            "its backward_G is not the patched one; call that, or add the term as `ffl-patch diff` shows it"
        )


class OptTerm:
    """The term of one model, which counts the model's epochs where its settings have a schedule."""

    def __init__(self, settings: Settings, record: Record, epochs: int) -> None:
        self._term = FrequencyTerm(settings)
        self._monitors: dict[Hashable, GradientMonitor] = {}
        self._record = record
        self._epochs = epochs
        self._counter: Optional[EpochCounter] = None

    def __call__(
        self,
        model: Any,
        fake: Tensor,
        real: Tensor,
        report: Report,
        adversarial: Optional[Tensor] = None,
        monitor: Hashable = None,
    ) -> Tensor:
        """Weighted loss, a scalar, of two batches (N, C, H, W) in [-1, 1], in a step of ``model``.

        Where only the first images tell that the patch factor does not divide them, end as argparse does.

        Args:
            model: upstream's.
            fake: generated images.
            real: what they are compared with.
            report, adversarial: for `GradientMonitor.watch`.
            monitor: a name for what is called once a step, where there is more than one.
        """
        settings = self._term.settings
        watching = self._monitors.setdefault(monitor, GradientMonitor(settings.monitor))
        images = watching.watch(fake, report, adversarial)
        try:
            return self._term(
                images, real, share(self._position(model), settings) if settings.scheduled else 1.0
            )
        except SettingsError as refusal:
            print(f"{Path(sys.argv[0]).name}: error: {refusal}", file=sys.stderr)
            sys.exit(2)

    def gradient_losses(self, model: Any, *names: str) -> list[str]:
        """Names of what ``--ffl-monitor`` has ``model`` print, which it has from now on; none when off."""
        if self._term.settings.monitor == 0:
            return []
        for name in names:
            setattr(model, f"loss_grad_{name}", NOTHING_YET)
        return [f"grad_{name}" for name in names]

    def _position(self, model: Any) -> float:
        if self._counter is None:
            self._counter = EpochCounter(model, self._epochs)
        if self._counter.epochs() > self._epochs:
            self._epochs = self._counter.epochs()
            self._record.enter_epochs(self._epochs)
        return self._counter.position()
