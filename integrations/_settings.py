"""The settings of the loss while it trains, and the one table of flags that sets them.

Every integration shows the same flags; only the command-line library and two defaults differ.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.loss import SPECTRA


class SettingsError(FFLError, ValueError):
    """A flag with a value that cannot train; the sentence names the flag and what it takes."""


@dataclass(frozen=True)
class Flag:
    """One ``--ffl-*`` option: the setting it gives, its type, and which values it takes."""

    setting: str
    type: type
    accepts: Callable[[Any], bool]
    takes: str
    help: str
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The flag as it is typed, such as ``--ffl-patch-factor``."""
        return "--ffl-" + self.setting.replace("_", "-")

    def check(self, value: object) -> None:
        """Raise `SettingsError` unless ``value`` has the flag's type and range."""
        if not (_has_type(value, self.type) and self.accepts(value)):
            raise SettingsError(f"{self.name} takes {self.takes}, not {value!r}")


def _has_type(value: object, kind: type) -> bool:
    """Like isinstance, except that a whole number is also a float and True is not a number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _at_least_zero(value: float) -> bool:
    return math.isfinite(value) and value >= 0


FLAGS = (
    Flag(
        "weight",
        float,
        _at_least_zero,
        "a finite number of at least 0",
        "weight of the Focal Frequency Loss; 0 is off",
    ),
    Flag(
        "alpha",
        float,
        _at_least_zero,
        "a finite number of at least 0",
        "exponent of the spectrum weights: 0 weighs all frequencies alike, more focuses on the hard ones",
    ),
    Flag(
        "patch_factor",
        int,
        lambda value: value >= 1,
        "a whole number of at least 1 that divides the image's height and width",
        "cut each image into this many patches per side before the transform",
    ),
    Flag(
        "spectrum",
        str,
        SPECTRA.__contains__,
        "one of " + ", ".join(SPECTRA),
        "compare image with image, or the averages of the batches",
        choices=SPECTRA,
    ),
    Flag(
        "log_matrix",
        bool,
        lambda value: True,
        "true or false",
        "take the logarithm of the spectrum weights",
    ),
    Flag(
        "batch_matrix",
        bool,
        lambda value: True,
        "true or false",
        "scale the spectrum weights by one maximum over the batch, not one per image and channel",
    ),
)


@dataclass(frozen=True)
class Settings:
    """What the loss is built from; checked when made, so that a `Settings` can always train.

    Raises `SettingsError` for a value of the wrong type or out of range, nan and inf among them.
    """

    weight: float = 0.0
    alpha: float = 1.0
    patch_factor: int = 1
    spectrum: str = "image"
    log_matrix: bool = False
    batch_matrix: bool = False

    def __post_init__(self) -> None:
        """Check every value against its flag."""
        for flag in FLAGS:
            flag.check(getattr(self, flag.setting))

    def check_image_size(self, height: int, width: int) -> None:
        """Raise `SettingsError` unless the patches fill an image of ``height`` × ``width`` pixels."""
        if height % self.patch_factor or width % self.patch_factor:
            raise SettingsError(
                f"--ffl-patch-factor {self.patch_factor} does not divide images of {height}x{width} pixels"
            )

    def changes(self, other: Settings) -> Iterator[tuple[Flag, Any, Any]]:
        """Each flag whose value differs: the flag, the value here, the value in ``other``."""
        for flag in FLAGS:
            mine, theirs = getattr(self, flag.setting), getattr(other, flag.setting)
            if mine != theirs:
                yield flag, mine, theirs

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, all of them, so that a record reads without our defaults at hand."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], defaults: Optional[Settings] = None) -> Settings:
        """Settings from `to_json`, or from a part of it over ``defaults``.

        Raises `SettingsError` for a name that is no setting, and for a value that `Settings` refuses.
        """
        unknown = sorted(set(values) - {flag.setting for flag in FLAGS})
        if unknown:
            raise SettingsError(
                f"ffl-plugin knows no setting {unknown[0]!r}; was it written by a newer ffl-plugin?"
            )
        return dataclasses.replace(defaults or cls(), **values)

    @classmethod
    def from_options(cls, options: object, defaults: Settings) -> Settings:
        """Settings from the ``ffl_*`` attributes of parsed options; what is absent keeps its default.

        A model whose subclass adds its own options without calling ours trains as if no flag were given.
        """
        names = {flag.setting: f"ffl_{flag.setting}" for flag in FLAGS}
        return cls.from_json(
            {s: getattr(options, n) for s, n in names.items() if hasattr(options, n)}, defaults
        )


def flags_without_effect(settings: Settings, defaults: Settings) -> Optional[str]:
    """One sentence when flags were set but the weight, being 0, leaves them without effect; else None."""
    idle = [flag.name for flag, _, _ in settings.changes(defaults)]
    if settings.weight > 0 or not idle:
        return None
    return f"{', '.join(idle)} without effect: FFL is off until --ffl-weight is above 0"
