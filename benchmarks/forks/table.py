"""The page `docs/compatibility.md`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from forks.entries import Entry
from forks.trip import Trip
from forks.worker import Check

EXPECTED_OUTCOME = {"applies": "applied", "refused": "refused"}
SUMMARY = (
    "target",
    "keep the family's form",
    "of them applied",
    "others",
    "of them refused for the reason read",
    "harmed",
    "dry runs right / run",
    "steps right / run",
)
COLUMNS = (
    "repository",
    "commit",
    "outcome",
    "what differs",
    "what the tool says",
    "dry run",
    "training step",
)


@dataclass(frozen=True)
class Row:
    """One line of the table: what was expected of an entry, and what was seen.

    Args:
        entry: whom it is about.
        trip: how the round trip ended; None when the clone is not there.
        missing: how to get the clone, when it is not there.
        launch: the launcher's dry run, where there is one.
        step: the training step.
    """

    entry: Entry
    trip: Optional[Trip]
    missing: str = ""
    launch: Optional[Check] = None
    step: Optional[Check] = None

    @property
    def surprise(self) -> str:
        """What is not as the reader of the code expects; empty when all is."""
        if self.trip is None:
            return self.missing
        if self.trip.outcome != EXPECTED_OUTCOME[self.entry.expect]:
            return f"{self.trip.outcome}: {self.trip.reason}" if self.trip.reason else self.trip.outcome
        if self.entry.says.lower() not in self.trip.reason.lower():
            return f"refused without “{self.entry.says}”: {self.trip.reason}"
        wrong = [check.text for check in (self.launch, self.step) if check and check.outcome == "wrong"]
        return f"applied, but {wrong[0]}" if wrong else ""


def page(rows: list[Row], header: str) -> str:
    """The whole page in Markdown."""
    return "\n".join([header.rstrip(), "", *summary(rows), "", *surprises(rows), *tables(rows)]) + "\n"


def what_is_left_out(no_steps: bool, one_step_per_file: bool) -> str:
    """A paragraph that says with which options the page was made; empty where they leave nothing out."""
    if no_steps:
        return "\nThis page was made with `--no-steps`: no dry run and no training step was taken.\n"
    if one_step_per_file:
        return (
            "\nThis page was made with `--one-step-per-file`: no step is taken where a model is byte for "
            "byte that of an entry above.\n"
        )
    return ""


def summary(rows: list[Row]) -> list[str]:
    """The counts, per target and in all."""
    lines = [markdown(SUMMARY), markdown(["---"] * len(SUMMARY))]
    for target in dict.fromkeys(row.entry.target for row in rows):
        lines.append(markdown([target, *counts([row for row in rows if row.entry.target == target])]))
    return [*lines, markdown(["**all**", *counts(rows)])]


def counts(rows: list[Row]) -> list[str]:
    """One line of the summary."""
    seen = [row for row in rows if row.trip is not None]
    form = [row for row in seen if row.entry.expect == "applies"]
    others = [row for row in seen if row.entry.expect == "refused"]
    return [
        str(len(form)),
        str(sum(row.trip is not None and row.trip.outcome == "applied" for row in form)),
        str(len(others)),
        str(sum(not row.surprise for row in others)),
        str(sum(row.trip is not None and row.trip.outcome == "harmed" for row in seen)),
        right_of_run([row.launch for row in seen]),
        right_of_run([row.step for row in seen]),
    ]


def right_of_run(checks: list[Optional[Check]]) -> str:
    """How many checks were right, of how many that were run."""
    run = [check for check in checks if check is not None and check.outcome != "not run"]
    return f"{sum(check.outcome == 'right' for check in run)} / {len(run)}"


def surprises(rows: list[Row]) -> list[str]:
    """The rows that are not as the reader of the code expects, before all others."""
    odd = [row for row in rows if row.surprise]
    if not odd:
        return ["Every outcome is the one expected from reading the code.", ""]
    lines = ["## Not as expected", ""]
    for row in odd:
        entry = row.entry
        lines.append(f"- {entry.where}, {entry.target}, expected {entry.expect}: {cell(row.surprise)}")
    return [*lines, ""]


def tables(rows: list[Row]) -> list[str]:
    """One table per target: the repositories that keep the form first."""
    lines: list[str] = []
    for target in dict.fromkeys(row.entry.target for row in rows):
        lines += [f"## {target}", "", markdown(COLUMNS), markdown(["---"] * len(COLUMNS))]
        part = [row for row in rows if row.entry.target == target]
        part.sort(key=lambda row: (row.entry.expect != "applies", row.entry.where.lower()))
        lines += [*map(line, part), ""]
    return lines[:-1]


def line(row: Row) -> str:
    """A row in Markdown."""
    entry, trip = row.entry, row.trip
    outcome, says = ("missing", row.missing) if trip is None else (trip.outcome, trip.reason)
    return markdown(
        [
            link_to(entry),
            f"`{entry.commit[:7]}`",
            outcome,
            entry.because,
            says,
            shown(row.launch),
            shown(row.step),
        ]
    )


def link_to(entry: Entry) -> str:
    """An entry as a link to its commit."""
    return f"[{entry.where}](https://github.com/{entry.repository}/tree/{entry.commit})"


def shown(check: Optional[Check]) -> str:
    """A check as a cell."""
    if check is None:
        return ""
    return check.text if check.outcome == "right" else f"{check.outcome}: {check.text}"


def markdown(cells: Sequence[str]) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(map(cell, cells)) + " |"


def cell(text: str) -> str:
    """Text that stays one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def read_rows(text: str, entries: Sequence[Entry]) -> dict[tuple[str, str, str], Row]:
    """Read a page: the row of each entry, by its key, if the page has it at the entry's commit."""
    by_link = {(entry.target, link_to(entry)): entry for entry in entries}
    rows = {}
    target = ""
    for text_line in text.splitlines():
        if text_line.startswith("## "):
            target = text_line.removeprefix("## ")
        cells = [uncell(each) for each in re.split(r"(?<!\\)\|", text_line)[1:-1]]
        entry = by_link.get((target, cells[0])) if len(cells) == len(COLUMNS) else None
        if entry is not None:
            _, _, outcome, _, says, launch, step = cells
            rows[entry.key] = Row(
                entry, Trip(outcome, says), launch=read_check(launch), step=read_check(step)
            )
    return rows


def read_check(text: str) -> Optional[Check]:
    """A check from its cell, the inverse of `shown`."""
    outcome, found, rest = text.partition(": ")
    if not text:
        return None
    return Check(outcome, rest) if found and outcome in ("not run", "wrong") else Check("right", text)


def uncell(text: str) -> str:
    """The text of a cell, the inverse of `cell`."""
    return text.strip().replace("&lt;", "<").replace("\\|", "|")
