"""The table of ``--ffl-*`` flags, shared by all integrations; `Settings` is validated against it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations._variants import VARIANTS
from ffl_plugin.loss import SPECTRA


class SettingsError(FFLError, ValueError):
    """An invalid flag value; the message names the flag and what it accepts."""


@dataclass(frozen=True)
class Kind:
    """The values a flag accepts: type, condition and description.

    ``const`` is the value of a flag given without one; None if a value is required.
    """

    type: type
    accepts: Callable[[Any], bool]
    description: str
    choices: tuple[str, ...] = ()
    const: Any = None


@dataclass(frozen=True)
class Flag:
    """One ``--ffl-*`` option and its setting; ``{unit}`` in the help text is the unit of the schedule."""

    setting: str
    kind: Kind
    help: str

    @property
    def name(self) -> str:
        """The flag as it is typed, such as ``--ffl-patch-factor``."""
        return "--ffl-" + self.setting.replace("_", "-")

    def check(self, value: object) -> None:
        """Raise `SettingsError` unless ``value`` is valid for this flag."""
        if not (_has_type(value, self.kind.type) and self.kind.accepts(value)):
            raise SettingsError(f"{self.name} takes {self.kind.description}, not {value!r}")


def _has_type(value: object, kind: type) -> bool:
    """Like isinstance, but an int is also a float and a bool is not a number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def choice(*names: str) -> Kind:
    return Kind(str, names.__contains__, "one of " + ", ".join(names), names)


AMOUNT = Kind(float, lambda value: math.isfinite(value) and value >= 0, "a finite number >= 0")
FACTOR = Kind(int, lambda value: value >= 1, "an integer >= 1 that divides the image's height and width")
SWITCH = Kind(bool, lambda value: True, "true or false", const=True)
STEPS = Kind(int, lambda value: value >= 1, "an integer >= 1")
INTERVAL = Kind(int, lambda value: value >= 0, "an integer >= 0", const=10)

FLAGS = (
    Flag("weight", AMOUNT, "weight of the Focal Frequency Loss; 0 is off"),
    Flag(
        "share",
        AMOUNT,
        "instead of a weight: target gradient norm of the loss at the generated images, as a fraction of "
        "that of all other losses; a calibration finds the weight",
    ),
    Flag(
        "share_steps",
        STEPS,
        "steps of the calibration, which trains without the loss; the second half counts, and it continues, "
        "at most to five times as many, until two successive estimates agree within a quarter",
    ),
    Flag("share_every", AMOUNT, "recalibrate after this many {unit}; 0 is never"),
    Flag(
        "alpha",
        AMOUNT,
        "exponent of the spectrum weights: 0 weights all frequencies equally, more focuses on the hard ones",
    ),
    Flag("patch_factor", FACTOR, "cut each image into this many patches per side before the transform"),
    Flag("spectrum", choice(*SPECTRA), "compare image with image, or averages over the batches"),
    Flag("log_matrix", SWITCH, "take the logarithm of the spectrum weights"),
    Flag(
        "batch_matrix",
        SWITCH,
        "normalise the spectrum weights by one maximum per batch, not per image and channel",
    ),
    Flag("sync", SWITCH, "average over the batches of all processes, not per process"),
    Flag(
        "variant",
        choice(*VARIANTS),
        "replace FFL by another loss: one that the paper compares, or a later one",
    ),
    Flag("start", AMOUNT, "start after this many {unit}"),
    Flag("ramp", AMOUNT, "ramp the weight up over this many {unit}"),
    Flag("monitor", INTERVAL, "report gradient norms at the generated images every N steps; 0 is off"),
)
SCHEDULE = ("start", "ramp", "share_every")  # counted in the upstream's unit
SHAPING = ("alpha", "patch_factor", "spectrum", "log_matrix", "batch_matrix", "sync")  # not used by variants
CALIBRATION = ("share_steps", "share_every")  # only used with a share
CALIBRATED = ("share", *SHAPING, "variant")  # a calibrated weight is valid for these only
OBSERVING = ("monitor",)  # do not affect training
