"""Evaluates a sweep: compares every weight with weight 0, and recommends one."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from ffl_plugin import __version__
from ffl_plugin.errors import FFLError
from ffl_plugin.formatting import shortest
from ffl_plugin.metrics.metric import LOWER
from ffl_plugin.metrics.uncertainty import IMPROVED
from ffl_plugin.report import Comparison, Difference, compare, formatting
from ffl_plugin.report.model import plain, row_to_json
from ffl_plugin.report.opening import is_run
from ffl_plugin.report.verdict import deciding_row
from ffl_plugin.sweep.plan import DONE, FAILED, FEWEST_PAIRED, PENDING, RUNNING, STATE, Plan, Trial, read_json

if TYPE_CHECKING:
    from ffl_plugin.metrics.progress import Progress

# Maximum depth of result folders below {out}: results/NAME/test_latest/images.
DEEPEST = 5


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
        for result in self.weights:
            row = result.row
            if row is None:
                lines.append(f"{self.option} {shortest(result.weight):<8} {result.why_not}")
                continue
            before, after = formatting.values(row)
            lines.append(
                f"{self.option} {shortest(result.weight):<8} {formatting.name(row)}: "
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


def gather(
    plan: Plan,
    trials: Sequence[Trial],
    sweep: Path,
    *,
    real: Optional[Path] = None,
    results: Optional[str] = None,
    paired_seeds: Optional[bool] = None,
    progress: Optional[Progress] = None,
    **settings: Any,
) -> SweepReport:
    """Compare the completed trainings.

    Args:
        plan: the planned trainings.
        trials: all trials, done or not.
        sweep: folder of the sweep.
        real: real images, for `compare`.
        results: where a training writes its images, with ``{out}``, ``{weight}`` and ``{seed}``; None
            searches ``{out}`` for a result folder, or else a run folder with logs.
        paired_seeds: whether to pair the trainings of a weight with those of weight 0 by seed; None pairs
            them if both have the same ``FEWEST_PAIRED`` or more seeds.
        progress: called as ``progress(done, total, what)``.
        settings: further arguments of `compare`.

    Raises:
        FFLError: images cannot be read or compared.
    """
    found = {trial: find_outcome(trial, results) for trial in trials if trial.state() == DONE}
    weights = []
    for weight in plan.weights[1:]:
        sides = [_outcomes(found, side) for side in (0.0, weight)]
        if not sides[0] or not sides[1]:
            missing = weight if sides[0] else 0.0
            weights.append(WeightResult(weight, None, _no_results(plan.option, missing, trials)))
            continue
        same = list(sides[0]) == list(sides[1])
        if paired_seeds and not same:
            weights.append(WeightResult(weight, None, _no_pairs(plan.option, sides)))
            continue
        enough = plan.seeded and same and len(sides[0]) >= FEWEST_PAIRED
        comparison = compare(
            real=real,
            before=list(sides[0].values()),
            after=list(sides[1].values()),
            paired_seeds=enough if paired_seeds is None else paired_seeds,
            progress=progress,
            **settings,
        )
        weights.append(WeightResult(weight, comparison))
    advice = _advise(weights, plan.option)
    return SweepReport(
        version=__version__,
        advice=advice,
        caveats=tuple(_caveats(plan, weights, advice.best)),
        remarks=tuple(_remarks(weights, plan.option)),
        weights=tuple(weights),
        trials=tuple(_result(trial, found.get(trial)) for trial in trials),
        command=plan.command,
        then=plan.then,
        folder=plan.folder,
        sweep=str(sweep),
        option=plan.option,
    )


def _outcomes(found: Mapping[Trial, Optional[Path]], weight: float) -> dict[int, Path]:
    """Return the results of one weight by seed, in the order of the plan."""
    return {trial.seed: path for trial, path in found.items() if trial.weight == weight and path is not None}


def _no_results(option: str, weight: float, trials: Sequence[Trial]) -> str:
    """Return why no training at a weight has results: all failed, none is done, or nothing was found."""
    here = [trial for trial in trials if trial.weight == weight]
    at = f"training at {option} {shortest(weight)}"
    if all(trial.state() == FAILED for trial in here):
        return f"every {at} failed"
    for trial in here:
        if trial.state() == DONE:
            return (
                f"no result folder and no log was found in {trial.out}; pass the folder of the images with "
                "--results, such as '{out}/images'"
            )
    return f"no {at} has results yet"


def _no_pairs(option: str, sides: Sequence[Mapping[int, Path]]) -> str:
    at_zero, here = (", ".join(map(str, seeds)) for seeds in sides)
    return (
        f"its trainings cannot be paired by seed: those of {option} 0 that are done have seeds {at_zero}, "
        f"these {here}"
    )


def find_outcome(trial: Trial, results: Optional[str]) -> Optional[Path]:
    """Return the folder of a training's images or logs; None if there is none below ``{out}``.

    Raises:
        FFLError: the path given by ``results`` does not exist.
    """
    from ffl_plugin.metrics import is_result_folder

    if results is not None:
        place = results.replace("{out}", str(trial.out))
        place = place.replace(f"{{{trial.option}}}", shortest(trial.weight))
        path = Path(place.replace("{seed}", str(trial.seed)))
        if not path.exists():
            raise FFLError(f"{path}, given by --results for {trial}, does not exist; correct --results")
        return path
    folders = _folders(trial.out)
    for is_one in (is_result_folder, is_run):
        found = [folder for folder in folders if is_one(folder)]
        if found:
            # The topmost folder; if several, the most recent.
            highest = min(len(folder.parts) for folder in found)
            return max(
                (f for f in found if len(f.parts) == highest), key=lambda folder: folder.stat().st_mtime
            )
    return None


def _folders(top: Path) -> list[Path]:
    """Return a folder and its subfolders, except ``web``, where pix2pix writes images of training epochs."""
    folders = []
    for name, below, _ in os.walk(top):
        folder = Path(name)
        folders.append(folder)
        deep = len(folder.parts) - len(top.parts) >= DEEPEST
        below[:] = [] if deep else [child for child in below if child != "web"]
    return folders


def _advise(weights: Sequence[WeightResult], option: str) -> Advice:
    """Return the weight with the best mean among those with a significant improvement."""
    rows = [(result.weight, result.row) for result in weights]
    improved = [(weight, row) for weight, row in rows if row is not None and row.verdict == IMPROVED]
    if not any(row is not None for _, row in rows):
        return Advice(None, "No advice yet", f"No two {option}s have trainings with results.")
    if not improved:
        return Advice(None, f"Stay at {option} 0", f"No {option} tried is significantly better.")
    weight, row = min(
        improved, key=lambda pair: pair[1].after if pair[1].direction == LOWER else -pair[1].after
    )
    before, after = formatting.values(row)
    return Advice(
        weight,
        f"Take {option} {shortest(weight)}",
        f"{formatting.name(row)} {before} at {option} 0, {after} at {shortest(weight)} "
        f"(change {formatting.change(row)}, {row.level:.0%} interval {formatting.interval(row)}).",
    )


def _caveats(plan: Plan, weights: Sequence[WeightResult], best: Optional[float]) -> list[str]:
    caveats = []
    if best is not None and len(weights) > 1:
        caveats.append(
            f"The best of {len(weights)} {plan.option}s was selected by the same numbers that evaluate it, "
            f"which biases it upwards; train it and {plan.option} 0 again with new seeds to confirm."
        )
    if not plan.seeded and len(plan.seeds) > 1:
        caveats.append(
            f"The command does not use {{seed}}, so trainings of one {plan.option} differ only by chance."
        )
    for result in weights:
        for caveat in result.comparison.verdict.caveats if result.comparison is not None else ():
            if caveat not in caveats:
                caveats.append(caveat)
    return caveats


def _remarks(weights: Sequence[WeightResult], option: str) -> list[str]:
    """Return the comparisons' missing metrics and notes, each once, with its weights unless all have it."""
    compared = {r.weight: r.comparison for r in weights if r.comparison is not None}
    found: dict[str, list[str]] = {}
    for weight, comparison in compared.items():
        for remark in dict.fromkeys((*comparison.missing, *comparison.notes)):
            found.setdefault(remark, []).append(shortest(weight))
    return [
        remark if len(having) == len(compared) else f"At {option} {', '.join(having)}: {remark}"
        for remark, having in found.items()
    ]


def _result(trial: Trial, outcome: Optional[Path]) -> TrialResult:
    record = read_json(trial.folder / STATE)
    seconds = record.get("seconds")
    state = trial.state()
    return TrialResult(
        weight=trial.weight,
        seed=trial.seed,
        state="interrupted" if state == RUNNING else "not started" if state == PENDING else state,
        why=str(record.get("why", "")),
        seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
        log=str(trial.log),
        outcome=None if outcome is None else str(outcome),
    )
