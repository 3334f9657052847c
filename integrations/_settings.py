"""The settings of the loss while it trains, and what an upstream makes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ffl_plugin.integrations._flags import CALIBRATION, FLAGS, SCHEDULE, SHAPING, Flag, SettingsError, choice
from ffl_plugin.integrations._variants import FOCAL, VARIANTS


@dataclass(frozen=True)
class Settings:
    """What the loss is built from; checked when made, so that a `Settings` can always train.

    Raises `SettingsError` for a value of the wrong type or out of range, nan and inf among them.
    """

    weight: float = 0.0
    share: float = 0.0
    share_steps: int = 200
    share_every: float = 0.0
    alpha: float = 1.0
    patch_factor: int = 1
    spectrum: str = "image"
    log_matrix: bool = False
    batch_matrix: bool = False
    sync: bool = False
    variant: str = FOCAL
    start: float = 0.0
    ramp: float = 0.0
    monitor: int = 0

    def __post_init__(self) -> None:
        """Check every value against its flag."""
        for flag in FLAGS:
            flag.check(getattr(self, flag.setting))

    @property
    def on(self) -> bool:
        """Whether there is a loss at all."""
        return self.weight > 0 or self.share > 0

    @property
    def scheduled(self) -> bool:
        """Whether something depends on how far the training is."""
        return any(getattr(self, setting) > 0 for setting in SCHEDULE)

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


@dataclass(frozen=True)
class Upstream:
    """What the upstreams differ in.

    Args:
        defaults: the settings without any flag.
        unit: what the schedule counts: "kimg", "epochs" or "iterations"; None where it cannot be counted.
        variants: the losses that make sense there.
        counts_on: whether a run that resumes another counts kimg on from its snapshot, and not from 0.
    """

    defaults: Settings
    unit: Optional[str] = None
    variants: tuple[str, ...] = field(default=VARIANTS)
    counts_on: bool = False

    def flags(self) -> Iterator[Flag]:
        """The flags this upstream has, with their help in its unit."""
        for flag in FLAGS:
            if flag.setting == "variant":
                flag = dataclasses.replace(flag, kind=choice(*self.variants))
            if self.unit is not None or flag.setting not in SCHEDULE:
                yield dataclasses.replace(flag, help=flag.help.format(unit=self.unit))

    def settings(self, given: Mapping[str, Any]) -> Settings:
        """The settings that were given, over the defaults.

        Raises:
            SettingsError: a name that is no setting, a value that cannot train, or settings that exclude each
                other.
        """
        unknown = sorted(set(given) - {flag.setting for flag in self.flags()})
        if unknown:
            raise SettingsError(
                f"ffl-plugin knows no setting {unknown[0]!r} here; was it written by another ffl-plugin?"
            )
        settings = dataclasses.replace(self.defaults, **given)
        changed = [flag for flag, _, _ in settings.changes(self.defaults)]
        shaped = [flag.name for flag in changed if flag.setting in SHAPING]
        if settings.variant != FOCAL and shaped:
            raise SettingsError(f"{shaped[0]} shapes FFL, which --ffl-variant {settings.variant} replaces")
        if settings.weight > 0 and settings.share > 0:
            raise SettingsError("--ffl-weight gives the weight that --ffl-share would find: give one of them")
        if settings.sync and settings.spectrum == "image":
            raise SettingsError(
                "--ffl-sync averages over processes, and --ffl-spectrum image averages nothing"
            )
        return settings

    def without_effect(self, settings: Settings) -> Optional[str]:
        """One sentence when flags were set that others leave without effect; else None."""
        idle = [flag for flag, _, _ in settings.changes(self.defaults)]
        if settings.on:
            idle = [flag for flag in idle if flag.setting in CALIBRATION and settings.share == 0]
        why = (
            "there is no --ffl-share"
            if settings.on
            else "FFL is off until --ffl-weight or --ffl-share is above 0"
        )
        return f"{', '.join(flag.name for flag in idle)} without effect: {why}" if idle else None
