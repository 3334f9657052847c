"""``loss_log.txt`` of pix2pix, CycleGAN, CUT and SPADE, in the forms of all their versions.

    (epoch: 1, iters: 100, time: 0.101) G_GAN: 0.9 G_L1: 3.1                                 2017
    (epoch: 1, iters: 100, time: 0.101, data: 0.002) G_GAN: 0.9 G_L1: 3.1                    2018 to 2024
    [Rank 0] (epoch: 1, iters: 100, time: 0.1, data: 0.002) , G_GAN: 0.9, G_L1: 3.1          2025

Every training started under one name appends to one file. ``iters`` counts images within the epoch; the log
does not say how many an epoch has, so the largest count seen stands for it.
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
from ffl_plugin.report.training_options import read_training_options

START = "====="  # begins the line that every start of the training writes
ROW = re.compile(
    r"(?:\[Rank (?P<rank>\d+)\] )?\(epoch: (?P<epoch>\d+), iters: (?P<iterations>\d+)[^)]*\)"
    r"(?P<losses>.*?)(?=\[Rank \d|\(epoch: |$)"  # two processes may have written into one line
)
VALUE = re.compile(r"([^\s:,]+): (\S+?),?(?=\s|$)")


@dataclass(frozen=True)
class _Row:
    start: int  # how often the training had been started before this row was written
    rank: int
    epoch: int
    iterations: int
    losses: dict[str, float]

    @property
    def place(self) -> tuple[int, int]:
        return self.epoch, self.iterations


def read_loss_log(path: Path) -> TrainingLog:
    """Read one log; its notes say what was left out, and which sessions were put after one another."""
    rows, starts, unreadable = _rows(path)
    notes = skipped(path, unreadable)
    first_rank = min((row.rank for row in rows), default=0)
    others = sum(row.rank != first_rank for row in rows)
    if others:
        notes.append(f"{path}: left {_lines(others)} out, of other processes than rank {first_rank}.")
        rows = [row for row in rows if row.rank == first_rank]
    epoch_length = max((row.iterations for row in rows), default=1) or 1
    longest = _longest_of_several(rows, epoch_length)
    if longest is None:
        # The record is of the last start, which may have ended before it wrote a row.
        is_new = bool(rows) and rows[-1].start == starts and _is_new_training(path.parent)
        placed, remarks = _in_order(_sessions(rows), epoch_length, is_new)
        notes += [f"{path}: {remark}" for remark in remarks]
    else:
        placed = [(_place(row, epoch_length), row) for row in longest]
        notes.append(
            f"{path}: left {len(rows) - len(longest)} of {_lines(len(rows))} out: two trainings wrote into "
            "it at the same time; shown is the longer one, as far as nothing but the order tells them apart."
        )
    points: dict[str, dict[float, float]] = {}
    for x, row in placed:
        for name, value in row.losses.items():
            points.setdefault(name, {})[x] = value
    return log_of(points, "epoch", path.name, notes)


def _rows(path: Path) -> tuple[list[_Row], int, list[int]]:
    """The rows in the order of the lines, how often training was started, and the lines that are neither."""
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


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _place(row: _Row, epoch_length: int) -> float:
    return row.epoch - 1 + row.iterations / epoch_length


def _longest_of_several(rows: Sequence[_Row], epoch_length: int) -> Optional[list[_Row]]:
    """The longest of the sequences that several trainings wrote at once; None where they did not.

    A row goes on with the sequence that wrote last where it is its next, else with the one that it follows
    most closely. Trainings wrote at once where a sequence goes on after another one wrote.
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
    """Epochs between two rows next to each other, of all that were written since one start."""
    places = sorted({_place(row, epoch_length) for row in rows if row.start == start})
    return median([b - a for a, b in zip(places, places[1:])] or [0.0])


def _sessions(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Rows that advance, cut where the training was started or the rows go back."""
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
    """Place sessions one after another; the remarks say which were moved, and how many rows were left out.

    A session that counts epochs from 1 again went on from the weights of the one before, unless it was a new
    training. One that begins at another epoch replaces what was written of that epoch and later ones.
    """
    remarks = []
    placed: list[tuple[float, _Row]] = []
    before = 0  # epochs of the sessions that count from 1
    continued = replaced = 0
    for index, session in enumerate(sessions):
        if session[0].epoch == 1 and placed:
            if index == len(sessions) - 1 and last_is_new:
                remarks.append(
                    f"left {_lines(len(placed))} out, of an earlier training in the same folder "
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
            f"the training was started {continued + 1} times at epoch 1; taken as continued "
            "(--continue_train without --epoch_count), the epochs of each start follow those before it."
        )
    if replaced:
        remarks.append(
            f"left {_lines(replaced)} out, of epochs that a later start of the training did again."
        )
    return placed, remarks


def _is_new_training(folder: Path) -> bool:
    """Whether the last training in a folder was no continuation, by its own record."""
    return read_training_options(folder).get("continue_train") in (False, "False")
