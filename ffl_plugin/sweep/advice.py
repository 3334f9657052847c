"""The advice of a sweep: the weight to take, with what limits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ffl_plugin.as_text import shortest
from ffl_plugin.metrics.metric import LOWER
from ffl_plugin.metrics.uncertainty import IMPROVED
from ffl_plugin.report import formatting
from ffl_plugin.sweep.plan import Plan
from ffl_plugin.sweep.sweep_report import Advice, WeightResult


def advise(weights: Sequence[WeightResult], option: str) -> Advice:
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


def caveats_of(plan: Plan, weights: Sequence[WeightResult], best: Optional[float]) -> list[str]:
    """Return the limits of the advice: its own, and those of the comparisons, each once."""
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


def remarks_of(weights: Sequence[WeightResult], option: str) -> list[str]:
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
