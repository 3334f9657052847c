"""The one table of ``--ffl-*`` flags: every integration shows these, and `Settings` is checked by them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations._variants import VARIANTS
from ffl_plugin.loss import SPECTRA


class SettingsError(FFLError, ValueError):
    """A flag with a value that cannot train; the sentence names the flag and what it takes."""


@dataclass(frozen=True)
class Kind:
    """Which values a flag takes: their type, the condition they meet, and both in words.

    ``alone`` is what the flag means without a value; None where it needs one.
    """

    type: type
    accepts: Callable[[Any], bool]
    words: str
    choices: tuple[str, ...] = ()
    alone: Any = None


@dataclass(frozen=True)
class Flag:
    """One ``--ffl-*`` option and the setting it gives; ``{unit}`` in its help is what is counted."""

    setting: str
    kind: Kind
    help: str

    @property
    def name(self) -> str:
        """The flag as it is typed, such as ``--ffl-patch-factor``."""
        return "--ffl-" + self.setting.replace("_", "-")

    def check(self, value: object) -> None:
        """Raise `SettingsError` unless ``value`` is of the flag's kind."""
        if not (_has_type(value, self.kind.type) and self.kind.accepts(value)):
            raise SettingsError(f"{self.name} takes {self.kind.words}, not {value!r}")


def _has_type(value: object, kind: type) -> bool:
    """Like isinstance, except that a whole number is also a float and True is not a number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def choice(*names: str) -> Kind:
    return Kind(str, names.__contains__, "one of " + ", ".join(names), names)


AMOUNT = Kind(float, lambda value: math.isfinite(value) and value >= 0, "a finite number of at least 0")
FACTOR = Kind(
    int, lambda value: value >= 1, "a whole number of at least 1 that divides the image's height and width"
)
SWITCH = Kind(bool, lambda value: True, "true or false", alone=True)
STEPS = Kind(int, lambda value: value >= 1, "a whole number of at least 1")
INTERVAL = Kind(int, lambda value: value >= 0, "a whole number of at least 0", alone=10)

FLAGS = (
    Flag("weight", AMOUNT, "weight of the Focal Frequency Loss; 0 is off"),
    Flag(
        "share",
        AMOUNT,
        "in place of a weight: how strongly the loss pulls at the generated images, as a share of the pull "
        "of everything else; a calibration finds the weight",
    ),
    Flag(
        "share_steps", STEPS, "steps of the calibration, which trains without the loss; the later half counts"
    ),
    Flag("share_every", AMOUNT, "calibrate again every so many {unit}; 0 is never"),
    Flag(
        "alpha",
        AMOUNT,
        "exponent of the spectrum weights: 0 weighs all frequencies alike, more focuses on the hard ones",
    ),
    Flag("patch_factor", FACTOR, "cut each image into this many patches per side before the transform"),
    Flag("spectrum", choice(*SPECTRA), "compare image with image, or the averages of the batches"),
    Flag("log_matrix", SWITCH, "take the logarithm of the spectrum weights"),
    Flag(
        "batch_matrix",
        SWITCH,
        "scale the spectrum weights by one maximum over the batch, not one per image and channel",
    ),
    Flag("sync", SWITCH, "average over the batches of all processes, not of each its own"),
    Flag(
        "variant",
        choice(*VARIANTS),
        "another loss in its place: those that the paper compares, or two later ones",
    ),
    Flag("start", AMOUNT, "begin after this many {unit}"),
    Flag("ramp", AMOUNT, "rise to the full weight over this many {unit}"),
    Flag("monitor", INTERVAL, "report the gradient at the generated images every so many steps; 0 is off"),
)
SCHEDULE = ("start", "ramp", "share_every")  # what is counted in the unit of the upstream
SHAPING = ("alpha", "patch_factor", "spectrum", "log_matrix", "batch_matrix", "sync")  # what no variant has
CALIBRATION = ("share_steps", "share_every")  # what matters with a share alone
OBSERVING = ("monitor",)  # what changes nothing in the training
