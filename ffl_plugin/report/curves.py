"""Curves of one training, read from its logs, and where they are NaN or infinite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from ffl_plugin.report.logged_metrics import logged_metric

METRIC_FILES = "metric-"  # prefix of the names of logs of metrics


class _Logged:
    """Base class of the contents of a log file."""

    file: str

    @property
    def is_metric(self) -> bool:
        """Whether this is a metric measured on snapshots, not a loss."""
        return self.file.startswith(METRIC_FILES)


@dataclass(frozen=True)
class Curve(_Logged):
    """One quantity over the course of one training.

    Attributes:
        name: name in the log, such as ``fid50k_full``, ``Loss/G/ffl`` or ``G_FFL``.
        unit: unit of ``x``: ``kimg`` (thousands of images shown) or ``epoch``.
        x: increasing positions.
        y: one finite value per position.
        file: name of the log file.
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
        since: position after which no finite value follows; None if the training recovered.
    """

    name: str
    unit: str
    x: tuple[float, ...]
    since: Optional[float]
    file: str


@dataclass(frozen=True)
class TrainingLog:
    """The contents of the logs of one training.

    Attributes:
        curves: curves of all quantities with finite values.
        gaps: gaps of all quantities with NaN or infinite values.
        impossible: values outside the range of their metric, which are not in its curve.
        notes: a sentence for every log with skipped or moved lines.
    """

    curves: tuple[Curve, ...] = ()
    gaps: tuple[Gap, ...] = ()
    impossible: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()

    def metrics(self) -> tuple[Curve, ...]:
        """Return the curves of ``metric-*.jsonl``: measured on snapshots, not losses."""
        return tuple(curve for curve in self.curves if curve.is_metric)

    def losses(self) -> tuple[Curve, ...]:
        """Return the curves of ``stats.jsonl`` or ``loss_log.txt``."""
        return tuple(curve for curve in self.curves if not curve.is_metric)


def merged(logs: Sequence[TrainingLog]) -> TrainingLog:
    """Merge the logs of one training."""
    return TrainingLog(
        tuple(curve for log in logs for curve in log.curves),
        tuple(gap for log in logs for gap in log.gaps),
        tuple(curve for log in logs for curve in log.impossible),
        tuple(note for log in logs for note in log.notes),
    )


def log_of(
    points: Mapping[str, Mapping[float, float]], unit: str, file: str, notes: Sequence[str] = ()
) -> TrainingLog:
    """Build curves and gaps from quantity → position → value, finite or not."""
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
        for target, points_of_curve in (
            (curves, [(x, y) for x, y in finite if can_be(y)]),
            (impossible, [(x, y) for x, y in finite if not can_be(y)]),
        ):
            if points_of_curve:
                x, y = zip(*points_of_curve)
                target.append(Curve(name, unit, x, y, file))
    return TrainingLog(tuple(curves), tuple(gaps), tuple(impossible), tuple(notes))


def skipped(path: object, lines: Sequence[int]) -> list[str]:
    """Return a note on the unreadable lines of a log, if there are any."""
    if not lines:
        return []
    which = f"line {lines[0]}" if len(lines) == 1 else f"{len(lines)} lines (the first is line {lines[0]})"
    return [f"{path}: skipped {which}, which could not be read."]
