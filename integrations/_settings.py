"""The settings of the loss during training, and their validation per upstream."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ffl_plugin.integrations._flags import (
    CALIBRATED,
    CALIBRATION,
    FLAGS,
    SCHEDULE,
    SHAPING,
    Flag,
    SettingsError,
    choice,
)
from ffl_plugin.integrations._variants import FOCAL, VARIANTS


@dataclass(frozen=True)
class Settings:
    """Settings of the loss, validated on construction.

    Raises `SettingsError` for a value of the wrong type or out of range, including nan and inf.
    """

    weight: float = 0.0
    share: float = 0.0
    share_steps: int = 400
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
        """Validate every value against its flag."""
        for flag in FLAGS:
            flag.check(getattr(self, flag.setting))

    @property
    def on(self) -> bool:
        """Whether the loss is active."""
        return self.weight > 0 or self.share > 0

    @property
    def scheduled(self) -> bool:
        """Whether any setting depends on the training's progress."""
        return any(getattr(self, setting) > 0 for setting in SCHEDULE)

    def check_image_size(self, height: int, width: int) -> None:
        """Raise `SettingsError` unless ``patch_factor`` divides height and width."""
        if height % self.patch_factor or width % self.patch_factor:
            raise SettingsError(
                f"--ffl-patch-factor {self.patch_factor} does not divide images of {height}x{width} pixels"
            )

    def changes(self, other: Settings) -> Iterator[tuple[Flag, Any, Any]]:
        """Yield each flag whose value differs: the flag, this value, the value in ``other``."""
        for flag in FLAGS:
            mine, theirs = getattr(self, flag.setting), getattr(other, flag.setting)
            if mine != theirs:
                yield flag, mine, theirs

    def earlier(self, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of an earlier training, as `to_json`; what was not recorded had its default."""
        return {**Settings(spectrum=self.spectrum).to_json(), **recorded}

    def invalidating_changes(self, recorded: Mapping[str, Any]) -> list[str]:
        """Return the settings whose change from ``recorded`` makes a calibrated weight invalid."""
        before, now = self.earlier(recorded), self.to_json()
        return [setting for setting in CALIBRATED if before[setting] != now[setting]]

    def to_json(self) -> dict[str, Any]:
        """Return all settings as plain JSON values, so that a record does not depend on the defaults."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Upstream:
    """What differs between upstreams.

    Args:
        defaults: the settings without any flag.
        unit: the unit of the schedule, "kimg", "epochs" or "iterations"; None if there is none.
        variants: the losses that apply.
        counts_on: whether a resumed run continues the kimg of its snapshot instead of restarting at 0.
    """

    defaults: Settings
    unit: Optional[str] = None
    variants: tuple[str, ...] = VARIANTS
    counts_on: bool = False

    def flags(self) -> Iterator[Flag]:
        """Yield the flags of this upstream, with its unit in the help texts."""
        for flag in FLAGS:
            if flag.setting == "variant":
                flag = dataclasses.replace(flag, kind=choice(*self.variants))
            if self.unit is not None or flag.setting not in SCHEDULE:
                yield dataclasses.replace(flag, help=flag.help.format(unit=self.unit))

    def settings(self, given: Mapping[str, Any]) -> Settings:
        """Return the given settings merged over the defaults.

        Raises:
            SettingsError: an unknown name, an invalid value, or conflicting settings.
        """
        unknown = sorted(set(given) - {flag.setting for flag in self.flags()})
        if unknown:
            raise SettingsError(
                f"unknown FFL setting {unknown[0]!r}; was it written by another version of ffl-plugin?"
            )
        settings = dataclasses.replace(self.defaults, **given)
        changed = [flag for flag, _, _ in settings.changes(self.defaults)]
        shaped = [flag.name for flag in changed if flag.setting in SHAPING]
        if settings.variant != FOCAL and shaped:
            raise SettingsError(
                f"{shaped[0]} configures FFL, which --ffl-variant {settings.variant} replaces"
            )
        if settings.weight > 0 and settings.share > 0:
            raise SettingsError("--ffl-weight and --ffl-share are mutually exclusive: pass one of them")
        if settings.sync and settings.spectrum == "image":
            raise SettingsError(
                "--ffl-sync averages over processes, but --ffl-spectrum image averages nothing"
            )
        return settings

    def without_effect(self, settings: Settings) -> Optional[str]:
        """Return a sentence if given flags have no effect; else None."""
        idle = [flag for flag, _, _ in settings.changes(self.defaults)]
        if settings.on:
            idle = [flag for flag in idle if flag.setting in CALIBRATION and settings.share == 0]
        why = (
            "there is no --ffl-share"
            if settings.on
            else "FFL is off until --ffl-weight or --ffl-share is above 0"
        )
        return f"{', '.join(flag.name for flag in idle)} without effect: {why}" if idle else None
