"""What a training wrote about itself, as curves: StyleGAN's ``metric-*.jsonl`` and ``stats.jsonl``, and the
``loss_log.txt`` of pix2pix, CycleGAN and SPADE in the forms of all their versions.

Logs are what a killed process left behind: a line that cannot be read is skipped and counted in a note, and a
training that was resumed from an earlier point replaces what came after that point.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

SNAPSHOT = re.compile(r"network-snapshot-(\d+)\.pkl$")
LOSS_LINE = re.compile(r"\(epoch: (\d+), iters: (\d+),[^)]*\)(.*)")
LOSS_VALUE = re.compile(r"([A-Za-z_][\w./-]*): (\S+?),?(?=\s|$)")


@dataclass(frozen=True)
class Curve:
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

    @property
    def is_metric(self) -> bool:
        """Whether it was measured on snapshots, and is not a loss."""
        return self.file.startswith("metric-")


@dataclass(frozen=True)
class TrainingLog:
    """All curves of one training, and a note for every log that was not wholly readable."""

    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()

    def metrics(self) -> tuple[Curve, ...]:
        """The curves of ``metric-*.jsonl``: measured on snapshots, not losses."""
        return tuple(curve for curve in self.curves if curve.is_metric)

    def losses(self) -> tuple[Curve, ...]:
        """The curves of ``stats.jsonl`` or ``loss_log.txt``."""
        return tuple(curve for curve in self.curves if not curve.is_metric)


class _Reader:
    """Gathers the points of one log file by name, and counts what could not be read."""

    def __init__(self, path: Path, unit: str) -> None:
        self.path = path
        self.unit = unit
        self.points: dict[str, list[tuple[float, float]]] = {}
        self.unreadable: list[int] = []

    def add(self, name: str, x: float, y: Any) -> None:
        if isinstance(y, (int, float)) and math.isfinite(y) and math.isfinite(x):
            self.points.setdefault(name, []).append((float(x), float(y)))

    def log(self, tidy: Callable[[list[tuple[float, float]]], list[tuple[float, float]]]) -> TrainingLog:
        curves = []
        for name, points in self.points.items():
            x, y = zip(*tidy(points))
            curves.append(Curve(name, self.unit, x, y, self.path.name))
        if not self.unreadable:
            return TrainingLog(tuple(curves))
        first, count = self.unreadable[0], len(self.unreadable)
        lines = f"line {first}" if count == 1 else f"{count} lines (the first is line {first})"
        return TrainingLog(tuple(curves), (f"{self.path}: skipped {lines} that could not be read.",))


def _latest_of_each(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A snapshot measured again, at any time, replaces only its own earlier value."""
    return sorted(dict(points).items())


def _rewound(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Going back in x means that training resumed there: what came after is no longer this training's."""
    kept: list[tuple[float, float]] = []
    for point in points:
        while kept and kept[-1][0] >= point[0]:
            kept.pop()
        kept.append(point)
    return kept


def read_training_log(folder: Path) -> TrainingLog:
    """Read every known log in one folder; an empty log where there is none.

    Args:
        folder: a StyleGAN run folder, or a ``checkpoints/NAME`` folder of pix2pix, CycleGAN or SPADE.
    """
    logs = [_read_metric(path) for path in sorted(folder.glob("metric-*.jsonl"))]
    logs += [_read_stats(path) for path in sorted(folder.glob("stats.jsonl"))]
    logs += [_read_losses(path) for path in sorted(folder.glob("loss_log.txt"))]
    return TrainingLog(
        tuple(curve for log in logs for curve in log.curves),
        tuple(note for log in logs for note in log.notes),
    )


def find_training_folder(path: Path) -> Optional[Path]:
    """The folder that holds the logs of the training behind ``path``, or None.

    It is ``path`` itself, or, for pix2pix results in ``results/NAME[/test_latest[/images]]``, the folder
    ``checkpoints/NAME`` beside ``results``: the upstream's own defaults.
    """
    if _has_logs(path):
        return path
    for name_folder in (path.absolute(), *list(path.absolute().parents)[:2]):
        checkpoints = name_folder.parent.parent / "checkpoints" / name_folder.name
        if _has_logs(checkpoints):
            return checkpoints
    return None


def _has_logs(folder: Path) -> bool:
    return folder.is_dir() and any(
        next(folder.glob(pattern), None) for pattern in ("metric-*.jsonl", "stats.jsonl", "loss_log.txt")
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank; bytes that are not UTF-8 become replacement characters."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.strip()


def _json_objects(reader: _Reader) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(reader.path):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            yield number, fields
        else:
            reader.unreadable.append(number)


def _read_metric(path: Path) -> TrainingLog:
    """One line per snapshot: ``{"results": {"fid50k_full": …}, "snapshot_pkl": "network-snapshot-…"}``."""
    reader = _Reader(path, "kimg")
    for number, fields in _json_objects(reader):
        results = fields.get("results")
        snapshot = SNAPSHOT.search(str(fields.get("snapshot_pkl")))
        if not isinstance(results, dict) or snapshot is None:
            reader.unreadable.append(number)
            continue
        for name, value in results.items():
            reader.add(str(name), int(snapshot.group(1)), value)
    return reader.log(_latest_of_each)


def _read_stats(path: Path) -> TrainingLog:
    """One line per tick: ``{"Progress/kimg": {"mean": …}, "Loss/G/ffl": {"num": …, "mean": …}}``."""
    reader = _Reader(path, "kimg")
    for number, fields in _json_objects(reader):
        kimg = _mean(fields.get("Progress/kimg"))
        if kimg is None:
            reader.unreadable.append(number)
            continue
        for name, value in fields.items():
            if name.startswith(("Loss/", "Gradient/")):
                reader.add(name, kimg, _mean(value))
    return reader.log(_rewound)


def _mean(field: Any) -> Optional[float]:
    mean = field.get("mean") if isinstance(field, dict) else None
    return float(mean) if isinstance(mean, (int, float)) and math.isfinite(mean) else None


def _read_losses(path: Path) -> TrainingLog:
    """``(epoch: 1, iters: 100, time: 0.1, data: 0.2) G_GAN: 0.9``, some with ``[Rank 0]`` and commas.

    ``iters`` counts images within the epoch; the log does not say how many an epoch has, so the largest count
    seen stands for it.
    """
    reader = _Reader(path, "epoch")
    rows: list[tuple[int, int, str]] = []
    for number, line in _lines(path):
        match = LOSS_LINE.search(line)
        if match:
            rows.append((int(match.group(1)), int(match.group(2)), match.group(3)))
        elif not line.startswith("====="):
            reader.unreadable.append(number)
    epoch_length = max((iterations for _, iterations, _ in rows), default=1) or 1
    for epoch, iterations, losses in rows:
        for name, text in LOSS_VALUE.findall(losses):
            reader.add(name, epoch - 1 + iterations / epoch_length, _number(text))
    return reader.log(_rewound)


def _number(text: str) -> Optional[float]:
    try:
        return float(text)
    except ValueError:
        return None
