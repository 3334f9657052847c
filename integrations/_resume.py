"""A StyleGAN run that another one resumes: how it was trained, and how long.

Upstream's ``--resume`` takes the networks from a snapshot and counts kimg from 0 again. The run folder that
the snapshot lies in tells the rest.
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
    def of(cls, snapshot: Optional[str]) -> Optional[ResumedRun]:
        """The run a snapshot is from; None for a snapshot that is alone, such as a published network."""
        named = SNAPSHOT.fullmatch(Path(snapshot).name) if snapshot else None
        if snapshot is None or named is None:
            return None
        path = Path(snapshot).parent / "training_options.json"
        try:
            settings = dict(
                json.loads(path.read_text(encoding="utf-8"))["loss_kwargs"].get("ffl_options", {})
            )
            before = float(settings.pop("kimg_before", 0))
            settings.pop("weight_before", None)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        kimg = int(named[1])
        return cls(path, settings, before + kimg, _weight_at(path.parent / STATISTICS, kimg))

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
