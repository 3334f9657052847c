"""Run folders: what the trainings measured on their own snapshots, compared as curves."""

from __future__ import annotations

from collections.abc import Sequence

from ffl_plugin.metrics.difference import Difference, compare_values
from ffl_plugin.report.findings import Findings
from ffl_plugin.report.gather import Opened
from ffl_plugin.report.training_logs import Curve

# Ends of the names of upstream metrics of which more is better; of all others (FID, KID, PPL) less is.
MORE_IS_BETTER = ("precision", "recall", "_mean")


def compare_logs(before: Sequence[Opened], after: Sequence[Opened]) -> Findings:
    """Compare every metric that all trainings logged, at the last snapshot they share and at the best."""
    rows: list[Difference] = []
    for name in dict.fromkeys(curve.name for opened in before for curve in opened.log.metrics()):
        sides = [
            [curve for opened in side for curve in opened.log.metrics() if curve.name == name]
            for side in (before, after)
        ]
        if len(sides[0]) == len(before) and len(sides[1]) == len(after):
            rows += _rows(name, *sides)
    if rows:
        return Findings(tuple(rows))
    return Findings(
        notes=(
            "The runs share no snapshot on which the same metric was measured; train both with the "
            "upstream's --metrics and --snap options, or compare images that both made.",
        )
    )


def _rows(name: str, before: Sequence[Curve], after: Sequence[Curve]) -> list[Difference]:
    shared = set.intersection(*(set(curve.x) for curve in (*before, *after)))
    if not shared:
        return []
    last = max(shared)
    better = "higher" if name.endswith(MORE_IS_BETTER) else "lower"
    best = max if better == "higher" else min

    def at_last(curve: Curve) -> float:
        return curve.y[curve.x.index(last)]

    def at_best(curve: Curve) -> float:
        return best(curve.y[curve.x.index(kimg)] for kimg in shared)

    return [
        compare_values(
            key, label, better, [value(curve) for curve in before], [value(curve) for curve in after]
        )
        for key, label, value in (
            (name, f"{name} at {last:g} kimg", at_last),
            (f"{name}_best", f"{name}, best of the shared snapshots", at_best),
        )
    ]
