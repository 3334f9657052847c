"""Metrics over the shares or weights of a sweep: a figure and a table from its ``report/sweep-report.json``.

    python benchmarks/dose_response.py FIGURE.png SWEEP/report/sweep-report.json METRIC ...

A METRIC is a key of the report's rows, such as ``lpips``; the first four are drawn, all are tabulated in
Markdown, with the interval of the change from 0 in brackets.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def number(value: float, sign: str = "") -> str:
    """Four significant digits, two of a change, which has a sign; with a true minus."""
    return f"{value:{sign}.{2 if sign else 4}g}".replace("-", "−")


def main() -> None:
    """Draw the figure and print the table."""
    from matplotlib.figure import Figure

    report = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    option, wanted = report["option"], sys.argv[3:]
    results: list[dict[str, Any]] = [entry for entry in report[f"{option}s"] if entry["rows"]]
    rows = {entry[option]: {row["metric"]: row for row in entry["rows"]} for entry in results}
    first = next(iter(rows.values()))

    print("| metric | 0 | " + " | ".join(f"{value:g}" for value in rows) + " |")
    print("| --- | --- |" + " --- |" * len(rows))
    for metric in wanted:
        cells = []
        for row in (by_metric[metric] for by_metric in rows.values()):
            interval = f"{number(row['low'], '+')} to {number(row['high'], '+')}"
            cells.append(f"{number(row['after'])} ({interval}), {row['verdict']}")
        print(" | ".join([f"| {first[metric]['label']}", number(first[metric]["before"]), *cells]) + " |")

    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.subplots(2, 2).flatten()
    for axis, metric in zip(axes, wanted):
        points = [
            first[metric]["before_trainings"],
            *(row[metric]["after_trainings"] for row in rows.values()),
        ]
        for place, values in enumerate(points):
            axis.plot([place] * len(values), values, "o", color="C0", markersize=4)
        axis.plot(range(len(points)), [sum(values) / len(values) for values in points], color="C0")
        axis.set_xticks(range(len(points)), ["0", *(f"{value:g}" for value in rows)])
        axis.set(xlabel=option, title=first[metric]["label"].partition(" (")[0])
    figure.savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
