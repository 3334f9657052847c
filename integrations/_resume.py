"""The settings and progress of a StyleGAN run that another one resumes.

NVIDIA's ``--resume`` loads the networks from a snapshot and restarts kimg at 0; R3GAN's continues it. The
rest is read from the snapshot's run folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ffl_plugin.integrations._record import describe_change
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._share import rounded

STATISTICS = "stats.jsonl"
WEIGHT = "Weight/ffl"  # the calibrated weight, in the upstream's statistics

SNAPSHOT = re.compile(r"network-snapshot-(\d+)\.pkl")


@dataclass(frozen=True)
class Entry:
    """``loss_kwargs.ffl_options``: passed from launcher to loss, and recorded by the upstream.

    Args:
        settings: of the loss.
        kimg: thousands of real images shown in earlier runs; 0 without ``--resume``.
        weight: the weight found in earlier runs for the share; None if there is none.
    """

    settings: Mapping[str, Any]
    kimg: float = 0.0
    weight: Optional[float] = None

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> Entry:
        """Read an entry; raises ``TypeError`` or ``ValueError`` if it is invalid."""
        settings = dict(recorded)
        earlier = {"kimg": settings.pop("kimg_before", 0), "weight": settings.pop("weight_before", None)}
        resumed = {**earlier, **settings.pop("resumed", {})}  # records of 0.1 use the earlier keys
        weight = resumed["weight"]
        return cls(settings, float(resumed["kimg"]), None if weight is None else float(weight))

    def to_json(self) -> dict[str, Any]:
        """Return the settings, with the progress of earlier runs under ``resumed`` if there were any."""
        if not self.kimg:
            return dict(self.settings)
        weight = {} if self.weight is None else {"weight": self.weight}
        return {**self.settings, "resumed": {"kimg": self.kimg, **weight}}


@dataclass(frozen=True)
class ResumedRun:
    """The state of a run, read from its folder.

    Args:
        options: its ``training_options.json``.
        settings: the ``ffl_options`` in it; empty if it trained without FFL.
        kimg: thousands of real images shown up to the snapshot, over all runs that led to it.
        weight: the weight that its calibration had found by then, or None.
    """

    options: Path
    settings: Mapping[str, Any]
    kimg: float
    weight: Optional[float]

    @classmethod
    def of(cls, snapshot: Optional[str], counts_on: bool = False) -> Optional[ResumedRun]:
        """Return the run of a snapshot; None for a snapshot without a run, such as a published network.

        Args:
            snapshot: its path, or a URL.
            counts_on: whether the kimg in its name includes all earlier runs.
        """
        named = SNAPSHOT.fullmatch(Path(snapshot).name) if snapshot else None
        if snapshot is None or named is None:
            return None
        path = Path(snapshot).parent / "training_options.json"
        try:
            loss_kwargs = json.loads(path.read_text(encoding="utf-8"))["loss_kwargs"]
            entry = Entry.of(loss_kwargs.get("ffl_options", {}))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        kimg = int(named[1])
        return cls(
            path,
            entry.settings,
            kimg if counts_on else entry.kimg + kimg,
            _weight_at(path.parent / STATISTICS, kimg),
        )

    def change(self, settings: Settings) -> Optional[str]:
        """Return a sentence if ``settings`` differ from those of the run; else None."""
        return describe_change("--resume", self.settings, settings, self.options)

    def weight_for(self, settings: Settings) -> Optional[float]:
        """Return the weight that the run found for the same share of the same loss, or None."""
        return None if settings.invalidating_changes(self.settings) else self.weight


def _weight_at(statistics: Path, kimg: int) -> Optional[float]:
    """Return `WEIGHT` in the last tick before a snapshot, rounded as it was found.

    Ticks are averages, so one in which the weight changed (``--ffl-share-every``) is skipped.
    """
    weight = None
    try:
        for line in statistics.read_text(encoding="utf-8").splitlines():
            tick = json.loads(line)
            if tick["Progress/kimg"]["mean"] < kimg + 1 and tick.get(WEIGHT, {}).get("num"):
                mean, deviation = tick[WEIGHT]["mean"], tick[WEIGHT]["std"]
                if deviation <= 1e-3 * mean:
                    weight = rounded(mean)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return weight
    return weight or None
