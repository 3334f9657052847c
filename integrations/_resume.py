"""A StyleGAN run that another one resumes: how it was trained, and how long.

NVIDIA's ``--resume`` takes the networks from a snapshot and counts kimg from 0 again; R3GAN's counts on. The
run folder that the snapshot lies in tells the rest.
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
WEIGHT = "Weight/ffl"  # what a calibration found, in upstream's statistics

SNAPSHOT = re.compile(r"network-snapshot-(\d+)\.pkl")


@dataclass(frozen=True)
class Entry:
    """``loss_kwargs.ffl_options``: what a launcher hands to the loss, and upstream records.

    Args:
        settings: of the loss.
        kimg: thousands of real images that the runs before this one were shown; 0 where it resumes none.
        weight: what they found for the share; None where there is none to go on with.
    """

    settings: Mapping[str, Any]
    kimg: float = 0.0
    weight: Optional[float] = None

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> Entry:
        """Read an entry; raises ``TypeError`` or ``ValueError`` for what is none."""
        settings = dict(recorded)
        earlier = {"kimg": settings.pop("kimg_before", 0), "weight": settings.pop("weight_before", None)}
        resumed = {**earlier, **settings.pop("resumed", {})}  # records of 0.1 have the earlier keys
        weight = resumed["weight"]
        return cls(settings, float(resumed["kimg"]), None if weight is None else float(weight))

    def to_json(self) -> dict[str, Any]:
        """The settings, and under ``resumed`` where the runs before this one stood, if there were any."""
        if not self.kimg:
            return dict(self.settings)
        weight = {} if self.weight is None else {"weight": self.weight}
        return {**self.settings, "resumed": {"kimg": self.kimg, **weight}}


@dataclass(frozen=True)
class ResumedRun:
    """What a run folder tells.

    Args:
        options: its ``training_options.json``.
        settings: the ``ffl_options`` in it; empty when it trained without FFL.
        kimg: thousands of real images that were shown up to the snapshot, over all runs that led to it.
        weight: what its calibration had found by then; None where it had found none.
    """

    options: Path
    settings: Mapping[str, Any]
    kimg: float
    weight: Optional[float]

    @classmethod
    def of(cls, snapshot: Optional[str], counts_on: bool = False) -> Optional[ResumedRun]:
        """The run a snapshot is from; None for a snapshot that is alone, such as a published network.

        Args:
            snapshot: its path, or a URL.
            counts_on: whether the kimg in its name is that of all runs that led to it.
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
        """One sentence if going on with ``settings`` changes what the run trained; else None."""
        return describe_change("--resume", self.settings, settings, self.options)

    def weight_for(self, settings: Settings) -> Optional[float]:
        """The weight that the run found for the same share; None where there is none to go on with."""
        return self.weight if settings.share == self.settings.get("share") else None


def _weight_at(statistics: Path, kimg: int) -> Optional[float]:
    """What `WEIGHT` was in the last tick up to a snapshot, rounded as it was found.

    A tick is averaged, so one in which the weight changed (``--ffl-share-every``) does not count.
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
