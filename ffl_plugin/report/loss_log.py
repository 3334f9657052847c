"""``loss_log.txt`` of pix2pix, CycleGAN, CUT and SPADE, in the formats of all their versions.

    (epoch: 1, iters: 100, time: 0.101) G_GAN: 0.9 G_L1: 3.1                                 2017
    (epoch: 1, iters: 100, time: 0.101, data: 0.002) G_GAN: 0.9 G_L1: 3.1                    2018 to 2024
    [Rank 0] (epoch: 1, iters: 100, time: 0.1, data: 0.002) , G_GAN: 0.9, G_L1: 3.1          2025

All trainings with the same name append to one file. ``iters`` counts images within the epoch; the log does
not record the images per epoch, so the largest count is used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Optional

from ffl_plugin.report.curves import TrainingLog, log_of, skipped
from ffl_plugin.report.formatting import count
from ffl_plugin.report.training_options import read_training_options

START = "====="  # prefix of the line written at every start of the training
ROW = re.compile(
    r"(?:\[Rank (?P<rank>\d+)\] )?\(epoch: (?P<epoch>\d+), iters: (?P<iterations>\d+)[^)]*\)"
    r"(?P<losses>.*?)(?=\[Rank \d|\(epoch: |$)"  # two processes may have written to the same line
)
VALUE = re.compile(r"([^\s:,]+): (\S+?),?(?=\s|$)")


@dataclass(frozen=True)
class _Row:
    start: int  # number of starts of the training before this row
    rank: int
    epoch: int
    iterations: int
    losses: dict[str, float]

    @property
    def place(self) -> tuple[int, int]:
        return self.epoch, self.iterations


def read_loss_log(path: Path) -> TrainingLog:
    """Read one log; its notes list skipped rows and concatenated sessions."""
    rows, starts, unreadable = _rows(path)
    notes = skipped(path, unreadable)
    first_rank = min((row.rank for row in rows), default=0)
    others = sum(row.rank != first_rank for row in rows)
    if others:
        notes.append(f"{path}: skipped {count(others, 'line')} of processes other than rank {first_rank}.")
        rows = [row for row in rows if row.rank == first_rank]
    epoch_length = max((row.iterations for row in rows), default=1) or 1
    longest = _longest_of_several(rows, epoch_length)
    if longest is None:
        # The record belongs to the last start, which may have ended before it wrote a row.
        is_new = bool(rows) and rows[-1].start == starts and _is_new_training(path.parent)
        placed, remarks = _in_order(_sessions(rows), epoch_length, is_new)
        notes += [f"{path}: {remark}" for remark in remarks]
    else:
        placed = [(_place(row, epoch_length), row) for row in longest]
        notes.append(
            f"{path}: skipped {len(rows) - len(longest):,} of {count(len(rows), 'line')}: two trainings "
            "wrote to it at the same time; the longer one is shown, as far as the order of lines "
            "separates them."
        )
    points: dict[str, dict[float, float]] = {}
    for x, row in placed:
        for name, value in row.losses.items():
            points.setdefault(name, {})[x] = value
    return log_of(points, "epoch", path.name, notes)


def _rows(path: Path) -> tuple[list[_Row], int, list[int]]:
    """Return the rows in order, the number of starts, and the numbers of unreadable lines."""
    rows: list[_Row] = []
    unreadable, starts = [], 0
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            found = [
                _Row(starts, int(match["rank"] or 0), int(match["epoch"]), int(match["iterations"]), losses)
                for match in ROW.finditer(line.strip())
                if (losses := _losses(match["losses"]))
            ]
            rows += [row for row in found if not rows or row != rows[-1]]
            if line.startswith(START):
                starts += 1
            elif line.strip() and not found:
                unreadable.append(number)
    return rows, starts, unreadable


def _losses(text: str) -> dict[str, float]:
    losses = {}
    for name, value in VALUE.findall(text):
        try:
            losses[name] = float(value)
        except ValueError:
            continue
    return losses


def _place(row: _Row, epoch_length: int) -> float:
    return row.epoch - 1 + row.iterations / epoch_length


def _longest_of_several(rows: Sequence[_Row], epoch_length: int) -> Optional[list[_Row]]:
    """Return the longest of the sequences that several trainings wrote concurrently; None if they did not.

    A row continues the sequence that wrote last if it is its next row, else the one it follows most closely.
    Trainings wrote concurrently if a sequence continues after another one wrote.
    """
    near = 2 * max(
        (_usual_step(rows, start, epoch_length) for start in {row.start for row in rows}), default=0
    )
    sequences: list[list[_Row]] = []
    last: Optional[list[_Row]] = None
    at_once = False
    for row in rows:
        if last is None or not 0 < _place(row, epoch_length) - _place(last[-1], epoch_length) <= near:
            behind = [sequence for sequence in sequences if sequence[-1].place < row.place]
            if last is None or row.start != last[-1].start or not behind:
                last = []
                sequences.append(last)
            else:
                closest = max(behind, key=lambda sequence: sequence[-1].place)
                if last not in behind or closest[-1].place > last[-1].place:
                    at_once = True
                    last = closest
        last.append(row)
    return max(sequences, key=len) if at_once else None


def _usual_step(rows: Sequence[_Row], start: int, epoch_length: int) -> float:
    """Return the median number of epochs between consecutive rows written after one start."""
    places = sorted({_place(row, epoch_length) for row in rows if row.start == start})
    return median([b - a for a, b in zip(places, places[1:])] or [0.0])


def _sessions(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Split rows where the training was started or the position decreases."""
    sessions: list[list[_Row]] = []
    for row in rows:
        last = sessions[-1][-1] if sessions else None
        if last is None or row.start != last.start or row.place <= last.place:
            sessions.append([])
        sessions[-1].append(row)
    return sessions


def _in_order(
    sessions: Sequence[Sequence[_Row]], epoch_length: int, last_is_new: bool
) -> tuple[list[tuple[float, _Row]], list[str]]:
    """Concatenate sessions; the remarks list moved sessions and the number of skipped rows.

    A session that counts epochs from 1 again continued from the weights of the previous one, unless it was a
    new training. One that begins at another epoch replaces the rows of that epoch and later ones.
    """
    remarks = []
    placed: list[tuple[float, _Row]] = []
    before = 0  # epochs of the sessions that count from 1
    continued = replaced = 0
    for index, session in enumerate(sessions):
        if session[0].epoch == 1 and placed:
            if index == len(sessions) - 1 and last_is_new:
                remarks.append(
                    f"skipped {count(len(placed), 'line')} of an earlier training in the same folder "
                    "(the last one was started without --continue_train)."
                )
                placed, before, continued, replaced = [], 0, 0, 0
            else:
                before = math.ceil(placed[-1][0])
                continued += 1
        begin = before + _place(session[0], epoch_length)
        there = len(placed)
        placed = [(x, row) for x, row in placed if x < begin]
        replaced += there - len(placed)
        placed += [(before + _place(row, epoch_length), row) for row in session]
    if continued:
        remarks.append(
            f"the training was started {continued + 1} times at epoch 1; assuming that it was continued "
            "(--continue_train without --epoch_count), the epochs of each start follow those before it."
        )
    if replaced:
        remarks.append(
            f"skipped {count(replaced, 'line')} of epochs that a later start of the training repeated."
        )
    return placed, remarks


def _is_new_training(folder: Path) -> bool:
    """Return whether the last training in a folder was new, not continued, according to its record."""
    return read_training_options(folder).get("continue_train") in (False, "False")
