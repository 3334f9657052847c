"""Comparison of run folders: metrics that the trainings measured on their own snapshots.

Compared are the values at the last position that all trainings reached, and each side's best up to it.
Snapshots before training, impossible values and diverged trainings are excluded from the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ffl_plugin.metrics.metric import HIGHER, NEITHER, Metric
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import NO_EVIDENCE, Difference, compare_values
from ffl_plugin.report.curves import TrainingLog
from ffl_plugin.report.inputs import Inputs, MeasurementSettings
from ffl_plugin.report.logged_metrics import BEST, LoggedMetric, logged_metric
from ffl_plugin.report.model import LOGS, Findings
from ffl_plugin.report.training_logs import LOSSES

DIVERGED, IMPOSSIBLE, NO_DIRECTION = "a training diverged", "impossible value", "no direction"


def compare_logs(inputs: Inputs, settings: MeasurementSettings) -> Findings:
    """Compare every metric that all trainings logged."""
    logs = inputs.trainings.map(lambda opened: opened.log)
    rows: list[Difference] = []
    shared = [set(_measured(log)) for log in logs]
    for name in _measured(logs.before[0]):
        if all(name in names for names in shared):
            rows += _rows(name, logs.map(lambda log, name=name: _Series.of(log, name)))  # type: ignore[misc]
    diverged = any(gap.is_metric and gap.since is not None for log in logs for gap in log.gaps)
    if diverged:
        rows = [_withheld(row, DIVERGED) for row in rows]
    notes = () if rows or diverged else (_why_nothing(inputs),)
    return Findings(LOGS, rows=tuple(rows), notes=(*notes, *inputs.notes))


@dataclass(frozen=True)
class _Series:
    """One metric of one training, by kimg: possible and impossible values."""

    possible: Mapping[float, float]
    impossible: Mapping[float, float]

    @classmethod
    def of(cls, log: TrainingLog, name: str) -> _Series:
        """Read a metric from a log, without its value before training."""
        possible, impossible = (
            {x: y for curve in curves if curve.name == name for x, y in zip(curve.x, curve.y) if x > 0}
            for curves in (log.metrics(), log.impossible)
        )
        return cls(possible, impossible)

    @property
    def values(self) -> dict[float, float]:
        """All values, possible and impossible."""
        return {**self.possible, **self.impossible}

    def last(self, limit: float) -> float:
        """Return the position of the last snapshot up to a limit; 0 if there is none."""
        return max((x for x in self.values if x <= limit), default=0.0)


def _measured(log: TrainingLog) -> list[str]:
    return list(dict.fromkeys(curve.name for curve in (*log.metrics(), *log.impossible)))


def _rows(name: str, series: Sides[_Series]) -> list[Difference]:
    """Compare the metric at the last common position, if all have it there, and the best up to it."""
    if not all(one.values for one in series):
        return []
    limit = min(max(one.values) for one in series)
    known = logged_metric(name)
    rows = []
    ends = {one.last(limit) for one in series}
    if len(ends) == 1 and limit in ends:
        rows.append(_at_end(name, known, series, limit))
    if known.direction != NEITHER and all(one.possible for one in series):
        rows += _best(name, known, series)
    longest = max(max(one.values) for one in series)
    if longest == limit:
        return rows
    beyond = (
        f"The shortest training was measured up to {limit:g} kimg; later values of others, up to "
        f"{longest:g} kimg, are ignored."
    )
    return [replace(row, note=f"{row.note} {beyond}".strip()) for row in rows]


def _best(name: str, known: LoggedMetric, series: Sides[_Series]) -> list[Difference]:
    """Compare the best values up to the last common position, of common snapshots if that is one of them."""
    limit = min(max(one.possible) for one in series)
    shared = set.intersection(*(set(one.possible) for one in series))
    values = series.map(
        lambda one: [y for x, y in one.possible.items() if (x in shared if limit in shared else x <= limit)]
    )
    if not all(values):
        return []
    counts = sorted({len(several) for several in values})
    metric = Metric(f"{name}{BEST}", f"{name}, best up to {limit:g} kimg", known.direction)
    uneven = (
        f"{metric.name}: of {counts[0]} snapshots in one training and {counts[-1]} in another; the best "
        "of more snapshots is better by chance."
    )
    best = values.map(max if known.direction == HIGHER else min)
    return [compare_values(metric, best, note=uneven if len(counts) > 1 else "")]


def _at_end(name: str, known: LoggedMetric, series: Sides[_Series], limit: float) -> Difference:
    metric = Metric(name, f"{name} at {limit:g} kimg", known.direction)
    row = compare_values(metric, series.map(lambda one: one.values[limit]))
    if any(limit in one.impossible for one in series):
        return _withheld(
            row, IMPOSSIBLE, f"{metric.name}: the value is impossible for this metric and is ignored."
        )
    return row if known.direction != NEITHER else _withheld(row, NO_DIRECTION)


def _withheld(row: Difference, why: str, note: str = "") -> Difference:
    return replace(
        row, decides=False, withheld=row.withheld or why, verdict=NO_EVIDENCE, note=note or row.note
    )


def _why_nothing(inputs: Inputs) -> str:
    """Explain why no metric could be compared, with the next step for the upstream."""
    logs = inputs.trainings.map(lambda opened: opened.log)
    measured = [set(_measured(log)) for log in logs]
    if set.intersection(*measured):
        return (
            "The runs have no trained snapshot at a common position with the same metric; train "
            "both longer, or compare images that they generated."
        )
    if all(curve.file == LOSSES for log in logs for curve in log.curves):
        return (
            "The trainings logged only losses, which do not measure image quality; run the clone's test.py "
            "for each, and compare its output folders (results/NAME)."
        )
    return (
        "The runs did not measure the same metric on their snapshots; train both with the upstream's "
        "--metrics, measure their snapshots with its calc_metrics.py, or compare images that they generated."
    )
