"""Checks and remarks for trainings paired by seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.report.training_options import SEEDS, read_training_options

PAIRED = (
    "The trainings are paired by seed: the interval is for the changes between trainings with the same seed."
)
INDEPENDENT = "The trainings of both sides are treated as independent, not paired by seed."


def check_pairs_of_seeds(trainings: Sides[tuple[Path, Optional[Path]]]) -> None:
    """Refuse pairs with different recorded seeds.

    Args:
        trainings: path as given and folder of the record, if any, for each training.

    Raises:
        FFLError: two trainings of a pair have different recorded seeds.
    """
    if not trainings.paired_seeds:
        return
    for before, after in zip(trainings.before, trainings.after):
        seeds = [_recorded_seed(record) for _, record in (before, after)]
        if None not in seeds and seeds[0] != seeds[1]:
            raise FFLError(
                f"{before[0]} has seed {seeds[0]} and {after[0]} has seed {seeds[1]}, so they are no pair; "
                "pass both sides in the same order of seeds, or omit --paired-seeds"
            )


def seeds_compared(trainings: Sides[Any]) -> tuple[str, ...]:
    """Return a sentence on how several trainings per side were compared."""
    if max(trainings.counts) == 1:
        return ()
    return (PAIRED if trainings.paired_seeds else INDEPENDENT,)


def _recorded_seed(record: Optional[Path]) -> Optional[str]:
    options = {} if record is None else read_training_options(record)
    return next((str(value) for name, value in options.items() if name in SEEDS), None)
