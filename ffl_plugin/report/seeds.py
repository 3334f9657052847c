"""Trainings with the same seed on both sides: whether they are, and how the trainings were compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.report.training_options import SEEDS, read_training_options

PAIRED = (
    "The trainings are paired by seed: the interval is that of the change from each training before to the "
    "one after with the same seed."
)
INDEPENDENT = "The trainings of both sides are compared as independent, not paired by seed."


def check_pairs_of_seeds(trainings: Sides[tuple[Path, Optional[Path]]]) -> None:
    """Refuse pairs whose own records tell of different seeds.

    Args:
        trainings: of each training the path as given, and the folder of its record, if it has one.

    Raises:
        FFLError: two trainings of a pair have recorded different seeds.
    """
    if not trainings.paired_seeds:
        return
    for before, after in zip(trainings.before, trainings.after):
        seeds = [_recorded_seed(record) for _, record in (before, after)]
        if None not in seeds and seeds[0] != seeds[1]:
            raise FFLError(
                f"{before[0]} has seed {seeds[0]} and {after[0]} has seed {seeds[1]}, so they are no pair; "
                "give both sides in the same order of seeds, or leave out --paired-seeds"
            )


def seeds_compared(trainings: Sides[Any]) -> tuple[str, ...]:
    """A sentence on how several trainings a side were compared."""
    if max(trainings.counts) == 1:
        return ()
    return (PAIRED if trainings.paired_seeds else INDEPENDENT,)


def _recorded_seed(record: Optional[Path]) -> Optional[str]:
    options = {} if record is None else read_training_options(record)
    return next((str(value) for name, value in options.items() if name in SEEDS), None)
