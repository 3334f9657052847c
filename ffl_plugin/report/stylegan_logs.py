"""Logs of StyleGAN2-ADA and its successors: ``metric-*.jsonl`` and ``stats.jsonl``, one object per line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from ffl_plugin.report.curves import TrainingLog, log_of, skipped
from ffl_plugin.report.formatting import count

# Six digits in StyleGAN, nine in R3GAN; Projected GAN overwrites one file without any.
SNAPSHOT = re.compile(r"snapshot-(\d+)\.pkl$")
LOSSES = ("Loss/", "Gradient/")

Points = dict[str, dict[float, float]]


def read_metrics(path: Path, stats: Path) -> TrainingLog:
    """Read ``metric-NAME.jsonl``: ``{"results": {"fid50k_full": …}, "snapshot_pkl": …, "timestamp": …}``.

    A later measurement of a snapshot replaces its earlier value. If the name of the snapshot does not contain
    its position, the position comes from ``stats``, where the line of a tick is written right after its
    metrics. A restarted training overwrites ``stats``, so earlier metrics may have no tick.

    Args:
        path: the log of one metric.
        stats: ``stats.jsonl`` of the run, which need not exist.
    """
    points: Points = {}
    unreadable: list[int] = []
    ticks = _Ticks(stats)
    timed: dict[int, dict[str, Any]] = {}  # tick -> the results of the last measurement before its line
    lost: list[str] = []
    for number, fields in _json_objects(path, unreadable):
        results = fields.get("results")
        if not isinstance(results, dict):
            unreadable.append(number)
            continue
        name = str(fields.get("snapshot_pkl"))
        snapshot = SNAPSHOT.search(name)
        if snapshot is not None:
            _add(points, int(snapshot[1]), results)
            continue
        tick = ticks.after(fields.get("timestamp"))
        if tick is None or tick in timed:
            lost.append(name)
        if tick is not None:
            timed[tick] = results
    for tick, results in timed.items():
        _add(points, ticks.kimg[tick], results)
    notes = skipped(path, sorted(unreadable))
    if lost:
        names = ", ".join(sorted(set(lost)))
        notes.append(
            f"{path}: skipped {count(len(lost), 'measurement')} of unknown position: neither the snapshot's "
            f"name ({names}) nor a later line of {stats.name} contains it."
        )
    return log_of(points, "kimg", path.name, notes)


def read_stats(path: Path) -> TrainingLog:
    """Read ``stats.jsonl``: ``{"Progress/kimg": {"mean": …}, "Loss/G/ffl": {"num": …, "mean": …}}``.

    If kimg decreases, training was resumed there, and the lines it replaced are skipped.
    """
    unreadable: list[int] = []
    rows: list[tuple[float, dict[str, Any]]] = []
    dropped = 0
    for number, fields in _json_objects(path, unreadable):
        kimg = _mean(fields.get("Progress/kimg"))
        if kimg is None or not math.isfinite(kimg):
            unreadable.append(number)
            continue
        while rows and rows[-1][0] >= kimg:
            rows.pop()
            dropped += 1
        rows.append((kimg, fields))
    points: Points = {}
    for kimg, fields in rows:
        values = {name: _mean(field) for name, field in fields.items() if name.startswith(LOSSES)}
        _add(points, kimg, {name: value for name, value in values.items() if value is not None})
    notes = skipped(path, sorted(unreadable))
    if dropped:
        notes.append(
            f"{path}: skipped {count(dropped, 'line')}, replaced by training resumed from an earlier kimg."
        )
    return log_of(points, "kimg", path.name, notes)


class _Ticks:
    """Times and positions of the lines of ``stats.jsonl``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._times: Optional[list[float]] = None
        self.kimg: list[int] = []
        self._start = -math.inf

    def after(self, timestamp: Any) -> Optional[int]:
        """Return the first tick written at a time or later in the same session; None if there is none."""
        if self._times is None:
            self._read()
        measured = _number(timestamp)
        if measured is None or measured < self._start:
            return None
        return next((tick for tick, time in enumerate(self._times or ()) if time >= measured), None)

    def _read(self) -> None:
        ticks = []
        if self.path.is_file():
            for _, fields in _json_objects(self.path, []):
                time, kimg = _number(fields.get("timestamp")), _mean(fields.get("Progress/kimg"))
                if time is not None and kimg is not None and math.isfinite(kimg):
                    ticks.append((time, math.floor(kimg), _mean(fields.get("Timing/total_sec"))))
        ticks.sort(key=lambda tick: tick[0])
        self._times = [time for time, _, _ in ticks]
        self.kimg = [kimg for _, kimg, _ in ticks]
        if ticks and ticks[0][2] is not None:
            self._start = ticks[0][0] - ticks[0][2]


def _add(points: Points, x: float, values: dict[str, Any]) -> None:
    for name, value in values.items():
        number = _number(value)
        if number is not None:
            points.setdefault(str(name), {})[float(x)] = number


def _number(value: Any) -> Optional[float]:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _mean(field: Any) -> Optional[float]:
    """Return the mean of one statistic, which may be NaN; None if that tick has no samples."""
    if not isinstance(field, dict) or field.get("num") == 0:
        return None
    return _number(field.get("mean"))


def _json_objects(path: Path, unreadable: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield objects with line numbers; the numbers of other lines are appended to ``unreadable``."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError):
                fields = None
            if isinstance(fields, dict):
                yield number, fields
            else:
                unreadable.append(number)
