"""The result of a sweep as frozen data, and as JSON, CSV and text."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any, Optional

from ffl_plugin.as_text import shortest
from ffl_plugin.report import Comparison, Difference, formatting
from ffl_plugin.report.model import plain, row_to_json
from ffl_plugin.report.verdict import deciding_row
from ffl_plugin.sweep.plan import DONE

NOTHING = "nothing could be measured"


@dataclass(frozen=True)
class TrialResult:
    """The outcome of one training, and the place of its images or logs.

    Attributes:
        why: the reason for its end, if an engine knows more than the training's log.
    """

    weight: float
    seed: int
    state: str
    why: str
    seconds: Optional[float]
    log: str
    outcome: Optional[str]


@dataclass(frozen=True)
class WeightResult:
    """The comparison of one weight with weight 0.

    Attributes:
        comparison: None if no training of this weight, or of weight 0, is done.
        why_not: the reason if there is no comparison.
    """

    weight: float
    comparison: Optional[Comparison]
    why_not: str = ""

    @property
    def row(self) -> Optional[Difference]:
        """The row that decides its verdict."""
        return None if self.comparison is None else deciding_row(self.comparison.rows)


@dataclass(frozen=True)
class Advice:
    """The recommended weight.

    Attributes:
        best: the weight; None if none is significantly better than 0.
        opening: the advice in a few words.
        statement: the evidence.
    """

    best: Optional[float]
    opening: str
    statement: str

    def __str__(self) -> str:
        """The advice in one line."""
        return f"{self.opening}: {self.statement}"


@dataclass(frozen=True)
class SweepReport:
    """The result of a sweep.

    Attributes:
        advice: the recommended weight, and why.
        caveats: limits of the advice.
        remarks: metrics that were not measured, with reasons, and notes of the comparisons.
        folder: working directory of the commands.
        sweep: folder of the sweep.
        option: ``weight``, or ``share`` if the swept values are shares.
    """

    version: str
    advice: Advice
    caveats: tuple[str, ...]
    remarks: tuple[str, ...]
    weights: tuple[WeightResult, ...]
    trials: tuple[TrialResult, ...]
    command: tuple[str, ...]
    then: tuple[tuple[str, ...], ...]
    folder: str
    sweep: str
    option: str

    @property
    def lines(self) -> list[tuple[str, WeightResult]]:
        """The results with their weights; weights without one for the same reason are named together."""
        grouped: dict[object, list[WeightResult]] = {}
        for result in self.weights:
            grouped.setdefault(result.why_not or result.weight, []).append(result)
        return [(", ".join(shortest(one.weight) for one in same), same[0]) for same in grouped.values()]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; each weight's comparison.json contains the rest."""
        weights = [
            {
                self.option: result.weight,
                "why_not": result.why_not,
                "verdict": None if result.comparison is None else result.comparison.verdict.to_json(),
                "paired_seeds": result.comparison is not None and result.comparison.paired_seeds,
                "rows": [] if result.comparison is None else list(map(row_to_json, result.comparison.rows)),
            }
            for result in self.weights
        ]
        rest = {name: plain(getattr(self, name)) for name in self.__dataclass_fields__ if name != "weights"}
        trials = [{self.option: trial.pop("weight"), **trial} for trial in rest.pop("trials")]
        advice = {"best": self.advice.best, "advice": str(self.advice)}
        return {**rest, **advice, f"{self.option}s": weights, "trials": trials}

    def to_csv(self) -> str:
        """Return one line per weight and metric."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            (self.option, "metric", "label", f"{self.option}_0", "value", "delta", "low", "high", "verdict")
        )
        for result in self.weights:
            for row in result.comparison.rows if result.comparison is not None else ():
                numbers = (row.before, row.after, row.delta, row.low, row.high)
                writer.writerow(
                    (shortest(result.weight), row.metric, formatting.label(row), *numbers, row.verdict)
                )
        return text.getvalue()

    def to_text(self) -> str:
        """Return the advice, one line per weight, and the caveats."""
        lines = [str(self.advice), ""]
        for weight, result in self.lines:
            row = result.row
            if row is None:
                lines.append(f"{self.option} {weight:<8} {result.why_not or NOTHING}")
                continue
            before, after = formatting.values(row)
            lines.append(
                f"{self.option} {weight:<8} {formatting.name(row)}: "
                f"{before} at {self.option} 0, {after} here, "
                f"change {formatting.change(row)} ({formatting.interval(row)}): {row.verdict}"
            )
        unfinished = [trial for trial in self.trials if trial.state != DONE]
        remarks = [*self.caveats, *self.remarks]
        lines += ["", *(f"* {remark}" for remark in remarks)] if remarks else []
        for trial in unfinished:
            state = trial.state + (f" ({trial.why})" if trial.why else "")
            name = f"{self.option} {shortest(trial.weight)}, seed {trial.seed}"
            lines.append(f"* {name}: {state}, see {trial.log}")
        return "".join(formatting.readable(line) + "\n" for line in lines)
