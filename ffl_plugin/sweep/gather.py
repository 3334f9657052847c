"""Evaluates a sweep: compares every weight with weight 0, and recommends one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional

from ffl_plugin import __version__
from ffl_plugin.report import MeasurementSettings, compare
from ffl_plugin.report.inputs import DEFAULTS
from ffl_plugin.sweep.advice import advise, caveats_of, remarks_of
from ffl_plugin.sweep.outcomes import find_outcome, no_results, trial_result
from ffl_plugin.sweep.plan import DONE, FEWEST_PAIRED, Plan, Trial
from ffl_plugin.sweep.sweep_report import SweepReport, WeightResult


def gather(
    plan: Plan,
    trials: Sequence[Trial],
    sweep: Path,
    *,
    real: Optional[Path] = None,
    results: Optional[str] = None,
    paired_seeds: Optional[bool] = None,
    settings: MeasurementSettings = DEFAULTS,
    command: str = "",
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
        settings: further settings of `compare`.
        command: the command line, for the reports.

    Raises:
        FFLError: images cannot be read or compared.
    """
    found = {trial: find_outcome(trial, results) for trial in trials if trial.state() == DONE}
    weights = []
    for weight in plan.weights[1:]:
        sides = [_outcomes(found, side) for side in (0.0, weight)]
        if not sides[0] or not sides[1]:
            missing = weight if sides[0] else 0.0
            weights.append(WeightResult(weight, None, no_results(plan.option, missing, trials)))
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
            settings=replace(settings, paired_seeds=enough if paired_seeds is None else paired_seeds),
            command=command,
        )
        weights.append(WeightResult(weight, comparison))
    advice = advise(weights, plan.option)
    return SweepReport(
        version=__version__,
        advice=advice,
        caveats=tuple(caveats_of(plan, weights, advice.best)),
        remarks=tuple(remarks_of(weights, plan.option)),
        weights=tuple(weights),
        trials=tuple(trial_result(trial, found.get(trial)) for trial in trials),
        command=plan.command,
        then=plan.then,
        folder=plan.folder,
        sweep=str(sweep),
        option=plan.option,
    )


def _outcomes(found: Mapping[Trial, Optional[Path]], weight: float) -> dict[int, Path]:
    """Return the results of one weight by seed, in the order of the plan."""
    return {trial.seed: path for trial, path in found.items() if trial.weight == weight and path is not None}


def _no_pairs(option: str, sides: Sequence[Mapping[int, Path]]) -> str:
    at_zero, here = (", ".join(map(str, seeds)) for seeds in sides)
    return (
        f"its trainings cannot be paired by seed: those of {option} 0 that are done have seeds {at_zero}, "
        f"these {here}"
    )
