"""A study's result: Markdown tables with the paper's numbers in the same cells, and the numbers as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Optional

import numpy as np

from ffl_plugin.as_text import markdown
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.uncertainty import student_quantile
from ffl_plugin.report.table import ARROWS
from ffl_plugin.reproduce import Options, Result
from ffl_plugin.reproduce.image_grids import study_figure
from ffl_plugin.reproduce.scores import METRICS
from ffl_plugin.reproduce.study import Outcome, Study, run_study

LEGEND = (
    "± is the half-width of the 95 % interval over seeds (Student's t); **bold** where a difference's "
    "interval excludes zero. One seed has no interval. A dash is a number that was not measured or that the "
    "paper lacks; columns without a slash are ours alone. For `high band`, 1 is best."
)


@dataclass(frozen=True)
class Entry:
    """One metric of one method: our mean and its difference from the baseline, and the paper's.

    None where it was not measured or the paper lacks it; half-widths are those of `mean_interval`.
    """

    data: str
    method: str
    metric: str
    test_images: int
    mean: Optional[float]
    half_width: Optional[float]
    difference: Optional[float]
    difference_half_width: Optional[float]
    paper_data: str
    paper: Optional[float]
    paper_difference: Optional[float]


def report_study(study: Study, options: Options, progress: Progress) -> Result:
    """Run the missing trainings of a study, write ``OUT/figure.png`` and return tables and numbers."""
    outcome = run_study(study, options, progress)
    study_figure(outcome, options.out, options.out / "figure.png")
    names = ", ".join(f"Table {table.number} ({table.caption})" for table in study.tables)
    parts = [f"# {study.name}: {names}", *sections(outcome, tuple(METRICS)), LEGEND, *outcome.notes]
    return Result(parts, numbers(outcome))


def numbers(outcome: Outcome) -> dict[str, Any]:
    """Return all measurements, and the paper's numbers, as JSON values."""
    return {
        "settings": outcome.settings,
        "summary": [asdict(entry) for entry in entries(outcome) if entry.mean is not None],
        "paper": [row for table in outcome.study.tables for row in table.to_json()],
        "runs": [asdict(run) for run in outcome.runs],
        "notes": outcome.notes,
    }


def sections(outcome: Outcome, metrics: Sequence[str]) -> list[str]:
    """Write those of ``metrics`` that were measured: for each data set a heading and two tables."""
    parts = []
    found = entries(outcome)
    seeds = len({run.seed for run in outcome.runs})
    for data in dict.fromkeys(entry.data for entry in found):
        here = [entry for entry in found if entry.data == data and entry.metric in metrics]
        in_paper = any(metric in table.metrics for table in outcome.study.tables for metric in metrics)
        beside = f" / the paper's on {here[0].paper_data}" if in_paper else ""
        of = f"{seeds} seed(s), {here[0].test_images} test images"
        parts.append(f"## {outcome.study.name} on {data}: ours over {of}{beside}")
        parts.append(_table(here, metrics, difference=False))
        parts.append(f"Difference from the baseline: ours, paired by seed{beside}")
        parts.append(_table(here, metrics, difference=True))
    return parts


def entries(outcome: Outcome) -> list[Entry]:
    """List every measured metric of every method on every data set, in the order of the tables."""
    study = outcome.study
    baseline = next(iter(study.methods))
    measured = {metric for run in outcome.runs for metric in run.scores}
    found = []
    for data in dict.fromkeys(run.data for run in outcome.runs):
        runs = [run for run in outcome.runs if run.data == data]
        paper_data, test_images = runs[0].paper_data, runs[0].test_images
        for method in study.methods:
            for metric in (metric for metric in METRICS if metric in measured):
                base = {run.seed: run.scores.get(metric) for run in runs if run.method == baseline}
                pairs = [(run.scores.get(metric), base[run.seed]) for run in runs if run.method == method]
                ours = mean_interval([ours for ours, _ in pairs if ours is not None])
                change = mean_interval(
                    [ours - before for ours, before in pairs if ours is not None and before is not None]
                )
                papers = _paper(study, paper_data, method, metric)
                found.append(Entry(data, method, metric, test_images, *ours, *change, paper_data, *papers))
    return found


def mean_interval(values: Sequence[float]) -> tuple[Optional[float], Optional[float]]:
    """Return the mean over seeds, and the half-width of its 95 % interval by Student's t.

    Seeds are independent trainings. The half-width is None with one value, both are None with none.
    """
    count = len(values)
    if count < 2:
        return (values[0] if values else None), None
    error = float(np.std(values, ddof=1)) / math.sqrt(count)
    return float(np.mean(values)), student_quantile(count - 1) * error


def _paper(study: Study, data: str, method: str, metric: str) -> tuple[Optional[float], Optional[float]]:
    """Return the paper's score, and its difference from the baseline's."""
    for table in study.tables:
        score, before = (table.score(data, name, metric) for name in (method, "baseline"))
        if score is not None and before is not None:
            return score, score - before
    return None, None


def _table(found: Sequence[Entry], metrics: Sequence[str], difference: bool) -> str:
    """Write a row per method, without the baseline where differences from it are asked for."""
    methods = list(dict.fromkeys(entry.method for entry in found))[int(difference) :]
    header, columns = ["method"], [methods]
    for metric in metrics:
        column = [entry for entry in found if entry.metric == metric and entry.method in methods]
        if column:
            in_paper = any(entry.paper is not None for entry in column)
            header.append(METRICS[metric].label + f" {ARROWS[METRICS[metric].direction]}".rstrip())
            columns.append([_cell(entry, difference, in_paper) for entry in column])
    return markdown(header, list(zip(*columns)))


def _cell(entry: Entry, difference: bool, in_paper: bool) -> str:
    decimals = METRICS[entry.metric].decimals
    ours, half, paper = entry.mean, entry.half_width, entry.paper
    if difference:
        ours, half, paper = entry.difference, entry.difference_half_width, entry.paper_difference
    form = f"{'+' if difference else ''}.{decimals}f"
    text = "–" if ours is None else format(ours, form)
    if ours is not None and half is not None:
        text += f" ± {half:.{decimals}f}"
        if difference and abs(ours) > half:
            text = f"**{text}**"
    return f"{text} / {'–' if paper is None else format(paper, form)}" if in_paper else text
