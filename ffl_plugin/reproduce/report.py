"""Run a study and report it: Markdown, figure and JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result
from ffl_plugin.reproduce.figures import study_figure
from ffl_plugin.reproduce.study import Outcome, Study, run_study
from ffl_plugin.reproduce.tables import markdown, summary


def report_study(study: Study, options: Options, progress: Progress) -> Result:
    """Run the missing trainings of a study, write ``OUT/figure.png`` and return tables and numbers."""
    outcome = run_study(study, options, progress)
    study_figure(outcome, options.out, options.out / "figure.png")
    return Result(markdown(outcome), numbers(outcome))


def numbers(outcome: Outcome) -> dict[str, Any]:
    """Return all measurements, and the paper's numbers, as JSON values."""
    return {
        "settings": outcome.settings,
        "summary": summary(outcome),
        "paper": [
            {"table": table.number, "data": data, "method": method, **dict(zip(table.metrics, row))}
            for table in outcome.study.tables
            for (data, method), row in table.rows.items()
        ],
        "runs": [asdict(run) for run in outcome.runs],
        "notes": outcome.notes,
    }
