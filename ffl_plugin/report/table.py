"""A comparison as plain text and as CSV."""

from __future__ import annotations

import csv
import io

from ffl_plugin.as_text import aligned
from ffl_plugin.metrics.metric import HIGHER, LOWER, NEITHER
from ffl_plugin.report import formatting
from ffl_plugin.report.model import Comparison, Training

HEADINGS = ("metric", "before", "after", "change", "interval", "verdict")
ARROWS = {LOWER: "↓", HIGHER: "↑", NEITHER: ""}
COLUMNS = (
    "metric", "label", "better", "before", "after", "delta", "low", "high", "level", "verdict", "decides",
    "before_trainings", "after_trainings", "sampling", "training_spread", "note", "change_spread",
)  # fmt: skip


def to_text(comparison: Comparison) -> str:
    """Format verdict, table and remarks for a terminal."""
    lines = [comparison.verdict.sentence, ""]
    if comparison.real is not None:
        lines.append(f"real    {_where(comparison.real)}")
    lines += [f"{side:<7} {_where(training)}" for side, training in comparison.trainings.named()]
    if comparison.rows:
        lines += ["", *_aligned(comparison)]
    remarks = [*comparison.verdict.caveats, *comparison.missing, *comparison.notes]
    if remarks:
        lines += ["", *(f"* {remark}" for remark in remarks)]
    return "".join(formatting.readable(line) + "\n" for line in lines)


def _where(training: Training) -> str:
    return f"{training.path} ({training.contents})"


def _aligned(comparison: Comparison) -> list[str]:
    level = comparison.rows[0].level
    rows = [[*HEADINGS[:4], f"{level:.0%} interval", HEADINGS[5]]]
    for row in comparison.rows:
        before, after = formatting.values(row)
        arrow = ARROWS[row.direction]
        rows.append(
            [
                f"{formatting.name(row)} {arrow}".rstrip(),
                before,
                after,
                formatting.change(row),
                formatting.interval(row),
                formatting.outcome(row),
            ]
        )
    lines = aligned(rows)
    bases = [f"{formatting.name(row)}: {row.basis}" for row in comparison.rows if str(row.basis)]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:], *(["", *bases] if bases else [])]


def to_csv(comparison: Comparison) -> str:
    """Return one line per metric; trainings in a cell are separated by spaces, empty cells are unknown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in comparison.rows:
        fields = {**vars(row), "label": formatting.label(row), "better": row.direction}
        cells = [fields[column] for column in COLUMNS]
        writer.writerow(" ".join(map(repr, cell)) if isinstance(cell, tuple) else cell for cell in cells)
    return text.getvalue()
