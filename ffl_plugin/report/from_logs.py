"""Run folders: what the trainings measured on their own snapshots, compared as curves."""

from __future__ import annotations

from operator import itemgetter

from ffl_plugin.metrics.difference import HIGHER, LOWER, Difference, Metric, compare_values
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.report.findings import Findings
from ffl_plugin.report.inputs import Inputs
from ffl_plugin.report.measuring import Measuring
from ffl_plugin.report.model import LOGS
from ffl_plugin.report.training_logs import Curve

# Ends of the names of upstream metrics of which more is better; of all others (FID, KID, PPL) less is.
MORE_IS_BETTER = ("precision", "recall", "_mean")


def compare_logs(inputs: Inputs, how: Measuring) -> Findings:
    """Compare every metric that all trainings logged, at the last snapshot they share and at the best."""
    logged = inputs.trainings.map(lambda opened: {curve.name: curve for curve in opened.log.metrics()})
    rows: list[Difference] = []
    for name in dict.fromkeys(name for curves in logged.before for name in curves):
        if all(name in curves for curves in logged):
            rows += _rows(name, logged.map(itemgetter(name)))
    nothing = (
        "The runs share no snapshot on which the same metric was measured; train both with the "
        "upstream's --metrics and --snap options, or compare images that both made."
    )
    return Findings(LOGS, rows=tuple(rows), notes=(*(() if rows else (nothing,)), *inputs.notes))


def _rows(name: str, curves: Sides[Curve]) -> list[Difference]:
    shared = set.intersection(*(set(curve.x) for curve in curves))
    if not shared:
        return []
    last = max(shared)
    direction = HIGHER if name.endswith(MORE_IS_BETTER) else LOWER
    best = max if direction == HIGHER else min

    def at_last(curve: Curve) -> float:
        return curve.y[curve.x.index(last)]

    def at_best(curve: Curve) -> float:
        return best(curve.y[curve.x.index(kimg)] for kimg in shared)

    return [
        compare_values(Metric(name, f"{name} at {last:g} kimg", direction), curves.map(at_last)),
        compare_values(
            Metric(f"{name}_best", f"{name}, best of the shared snapshots", direction), curves.map(at_best)
        ),
    ]
