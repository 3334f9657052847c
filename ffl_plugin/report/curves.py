"""The course of one training, as its logs tell it: curves, and where they stop being numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from ffl_plugin.report.logged_metrics import logged_metric

METRIC_FILES = "metric-"  # begins the name of every log of what was measured on snapshots


class _Logged:
    """What stands in a log file, by its name."""

    file: str

    @property
    def is_metric(self) -> bool:
        """Whether it was measured on snapshots, and is not a loss."""
        return self.file.startswith(METRIC_FILES)


@dataclass(frozen=True)
class Curve(_Logged):
    """One quantity over the course of one training.

    Attributes:
        name: the name its own log gives it, such as ``fid50k_full``, ``Loss/G/ffl`` or ``G_FFL``.
        unit: what ``x`` counts: ``kimg`` (thousands of images shown) or ``epoch``.
        x: increasing positions.
        y: one finite value per position.
        file: the name of the log file.
    """

    name: str
    unit: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    file: str


@dataclass(frozen=True)
class Gap(_Logged):
    """Where a quantity was NaN or infinite.

    Attributes:
        name, unit, file: as of a `Curve`.
        x: increasing positions.
        since: from where on it was nothing else; None where the training recovered.
    """

    name: str
    unit: str
    x: tuple[float, ...]
    since: Optional[float]
    file: str


@dataclass(frozen=True)
class TrainingLog:
    """What the logs of one training hold.

    Attributes:
        curves: of every quantity that was a number somewhere.
        gaps: of every quantity that was NaN or infinite somewhere.
        impossible: the values that a metric cannot have, which its curve is without.
        notes: a sentence for every log of which something was left out or moved.
    """

    curves: tuple[Curve, ...] = ()
    gaps: tuple[Gap, ...] = ()
    impossible: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()

    def metrics(self) -> tuple[Curve, ...]:
        """The curves of ``metric-*.jsonl``: measured on snapshots, not losses."""
        return tuple(curve for curve in self.curves if curve.is_metric)

    def losses(self) -> tuple[Curve, ...]:
        """The curves of ``stats.jsonl`` or ``loss_log.txt``."""
        return tuple(curve for curve in self.curves if not curve.is_metric)


def merged(logs: Sequence[TrainingLog]) -> TrainingLog:
    """The logs of one training as one."""
    return TrainingLog(
        tuple(curve for log in logs for curve in log.curves),
        tuple(gap for log in logs for gap in log.gaps),
        tuple(curve for log in logs for curve in log.impossible),
        tuple(note for log in logs for note in log.notes),
    )


def log_of(
    points: Mapping[str, Mapping[float, float]], unit: str, file: str, notes: Sequence[str] = ()
) -> TrainingLog:
    """Curves and gaps of quantity → position → value, finite or not."""
    curves: list[Curve] = []
    gaps: list[Gap] = []
    impossible: list[Curve] = []
    for name, values in points.items():
        can_be = logged_metric(name).can_be
        ordered = sorted(values.items())
        finite = [(x, y) for x, y in ordered if math.isfinite(y)]
        lost = tuple(x for x, y in ordered if not math.isfinite(y))
        if lost:
            last = finite[-1][0] if finite else -math.inf
            gaps.append(Gap(name, unit, lost, next((x for x in lost if x > last), None), file))
        for found, kept in (
            (curves, [(x, y) for x, y in finite if can_be(y)]),
            (impossible, [(x, y) for x, y in finite if not can_be(y)]),
        ):
            if kept:
                x, y = zip(*kept)
                found.append(Curve(name, unit, x, y, file))
    return TrainingLog(tuple(curves), tuple(gaps), tuple(impossible), tuple(notes))


def skipped(path: object, lines: Sequence[int]) -> list[str]:
    """The note that lines of a log could not be read, if there are any."""
    if not lines:
        return []
    which = f"line {lines[0]}" if len(lines) == 1 else f"{len(lines)} lines (the first is line {lines[0]})"
    return [f"{path}: skipped {which} that could not be read."]
