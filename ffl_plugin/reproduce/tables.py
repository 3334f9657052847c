"""A study's runs as Markdown tables, the paper's numbers in the same cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from ffl_plugin.formatting import markdown as markdown_table
from ffl_plugin.reproduce.intervals import Interval, interval, paired_difference
from ffl_plugin.reproduce.scores import METRICS
from ffl_plugin.reproduce.study import Outcome

ARROWS = {"higher": " ↑", "lower": " ↓", "": ""}


def markdown(outcome: Outcome) -> str:
    """Write the scores, the differences from the baseline, and what was not measured."""
    names = ", ".join(f"Table {table.number} ({table.caption})" for table in outcome.study.tables)
    parts = [f"# {outcome.study.name}: {names}", *sections(outcome, tuple(METRICS)), LEGEND, *outcome.notes]
    return "\n\n".join(parts) + "\n"


LEGEND = (
    "± is the half-width of the 95 % interval over seeds (Student's t); **bold** where a difference's "
    "interval excludes zero. One seed has no interval. A dash is a number that was not measured or that the "
    "paper lacks; columns without a slash are ours alone. For `high band`, 1 is best."
)


def sections(outcome: Outcome, metrics: Sequence[str]) -> list[str]:
    """Write those of ``metrics`` that were measured: for each data set a heading and two tables."""
    parts = []
    seeds = len({run.seed for run in outcome.runs})
    for data, paper_data, test_images in _data_sets(outcome):
        in_paper = any(metric in table.metrics for table in outcome.study.tables for metric in metrics)
        beside = f" / the paper's on {paper_data}" if in_paper else ""
        heading = f"{outcome.study.name} on {data}: ours over {seeds} seed(s), {test_images} test images"
        parts.append(f"## {heading}{beside}")
        parts.append(_table(outcome, data, paper_data, metrics, difference=False))
        parts.append(f"Difference from the baseline: ours, paired by seed{beside}")
        parts.append(_table(outcome, data, paper_data, metrics, difference=True))
    return parts


def summary(outcome: Outcome) -> list[dict[str, Any]]:
    """List every mean and difference from the baseline with the half-width of its interval, for JSON."""
    entries: list[dict[str, Any]] = []
    for data, paper_data, test_images in _data_sets(outcome):
        for method in outcome.study.methods:
            for metric in METRICS:
                ours = _ours(outcome, data, method, metric, difference=False)
                change = _ours(outcome, data, method, metric, difference=True)
                if ours is None or change is None:
                    continue
                entries.append(
                    {
                        "data": data,
                        "method": method,
                        "metric": metric,
                        "test_images": test_images,
                        "mean": ours.mean,
                        "half_width": ours.half_width,
                        "difference": change.mean,
                        "difference_half_width": change.half_width,
                        "paper_data": paper_data,
                        "paper": _paper(outcome, paper_data, method, metric, difference=False),
                        "paper_difference": _paper(outcome, paper_data, method, metric, difference=True),
                    }
                )
    return entries


def _data_sets(outcome: Outcome) -> list[tuple[str, str, int]]:
    return list(dict.fromkeys((run.data, run.paper_data, run.test_images) for run in outcome.runs))


def _table(outcome: Outcome, data: str, paper_data: str, metrics: Sequence[str], difference: bool) -> str:
    """Write a row per method, without the baseline where differences from it are asked for."""
    methods = list(outcome.study.methods)[int(difference) :]
    measured = {metric for run in outcome.runs for metric in run.scores}
    header = ["method"]
    columns = [methods]
    for metric in (metric for metric in metrics if metric in measured):
        ours = [_ours(outcome, data, method, metric, difference) for method in methods]
        papers = [_paper(outcome, paper_data, method, metric, difference) for method in methods]
        cells = [_cell(value, metric, difference) for value in ours]
        if any(paper is not None for paper in papers):
            cells = [f"{cell} / {_number(paper, metric, difference)}" for cell, paper in zip(cells, papers)]
        header.append(METRICS[metric].label + ARROWS[METRICS[metric].better])
        columns.append(cells)
    return markdown_table(header, list(zip(*columns)))


def _ours(outcome: Outcome, data: str, method: str, metric: str, difference: bool) -> Optional[Interval]:
    values = outcome.scores(data, method, metric)
    if not values:
        return None
    baseline = outcome.scores(data, next(iter(outcome.study.methods)), metric)
    return paired_difference(values, baseline) if difference else interval(values)


def _paper(outcome: Outcome, data: str, method: str, metric: str, difference: bool) -> Optional[float]:
    for table in outcome.study.tables:
        score = table.score(data, method, metric)
        baseline = table.score(data, "baseline", metric)
        if score is not None and baseline is not None:
            return score - baseline if difference else score
    return None


def _cell(value: Optional[Interval], metric: str, signed: bool) -> str:
    if value is None:
        return "–"
    text = _number(value.mean, metric, signed)
    if value.half_width is not None:
        text += f" ± {value.half_width:.{METRICS[metric].decimals}f}"
    return f"**{text}**" if signed and value.excludes_zero else text


def _number(value: Optional[float], metric: str, signed: bool) -> str:
    return "–" if value is None else f"{value:{'+' if signed else ''}.{METRICS[metric].decimals}f}"
