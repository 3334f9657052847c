"""The HTML report of a sweep, linking to one report per weight."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any, Optional

from ffl_plugin.as_text import json_text, shortest
from ffl_plugin.report import formatting, write_report
from ffl_plugin.report.figures import by_weight_svg
from ffl_plugin.report.outputs import OutputFolder
from ffl_plugin.report.rendering import markup, render
from ffl_plugin.sweep.sweep_report import NOTHING, SweepReport, TrialResult

FOLDER = OutputFolder(
    "sweep", "sweep-report.json", "advice", r"report\.html|sweep\.csv|(weight|share)-[\d.e+-]+"
)


def write_sweep_report(report: SweepReport, out: Path) -> tuple[Path, ...]:
    """Write HTML, JSON and CSV, and one report folder per weight; return the paths of the first three.

    Raises:
        FFLError: the folder contains other files, or the disk fails.
    """
    files = {
        FOLDER.record: json_text(report.to_json(), indent=1).encode(),
        "report.html": to_html(report).encode("utf-8"),
        "sweep.csv": report.to_csv().encode("utf-8", "backslashreplace"),
    }
    written = FOLDER.write(out, files)
    for result in report.weights:
        if result.comparison is not None:
            write_report(result.comparison, out / f"{report.option}-{shortest(result.weight)}")
    return written


def to_html(report: SweepReport) -> str:
    """Render the HTML page."""
    return render(
        "sweep.html.jinja",
        "ffl_plugin.sweep",
        version=report.version,
        record=FOLDER.record,
        report=report,
        option=report.option,
        shortest=shortest,
        nothing=NOTHING,
        curve=_curve(report),
        metric=_shared_metric(report),
        confidence=_confidence(report),
        trainings=_trainings(report),
        commands=[shlex.join(command) for command in (report.command, *report.then)],
    )


def _shared_metric(report: SweepReport) -> Optional[str]:
    """Return the deciding metric with its basis; None if it differs between weights."""
    labels = {formatting.label(result.row) for result in report.weights if result.row is not None}
    return labels.pop() if len(labels) == 1 else None


def _confidence(report: SweepReport) -> str:
    """Return ``95% ``, the confidence level; empty if no weight was compared."""
    return next((f"{result.row.level:.0%} " for result in report.weights if result.row is not None), "")


def _trainings(report: SweepReport) -> list[tuple[TrialResult, str]]:
    """Return every training by weight and seed, with its results or log relative to the sweep's folder."""
    trials = sorted(report.trials, key=lambda trial: (trial.weight, trial.seed))
    return [(trial, os.path.relpath(trial.outcome or trial.log, report.sweep)) for trial in trials]


def _curve(report: SweepReport) -> Any:
    """Return a plot of the deciding metric over the weights, if all weights have it."""
    rows = [(result.weight, result.row) for result in report.weights]
    found = [(weight, row) for weight, row in rows if row is not None]
    if not found or len({row.metric for _, row in found}) > 1:
        return None
    name = formatting.name(found[0][1])
    points = [(0.0, found[0][1].before_trainings), *((weight, row.after_trainings) for weight, row in found)]
    means = [(weight, sum(values) / len(values)) for weight, values in points]
    series = ", ".join(
        f"{formatting.number(mean)} at {report.option} {shortest(weight)}" for weight, mean in means
    )
    return {
        "svg": markup(by_weight_svg(points, report.option, name, "by-weight")),
        "description": f"{name} by {report.option} ({found[0][1].direction} is better): {series}.",
    }
