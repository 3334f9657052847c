"""Remarks on the logs of a training: NaN, infinite and impossible values."""

from __future__ import annotations

from collections.abc import Sequence

from ffl_plugin.report.curves import Curve, Gap, TrainingLog


def divergence(path: object, log: TrainingLog) -> tuple[str, ...]:
    """Return a sentence if a training ended in NaN, by its metrics or else its losses."""
    gaps = [gap for gap in log.gaps if gap.since is not None]
    metrics = [gap for gap in gaps if gap.is_metric]
    if metrics:
        return (f"{path} diverged: {_names(metrics)} NaN or infinite from {_since(metrics)} on.",)
    if gaps:
        return (f"The losses of {path} are NaN or infinite from {_since(gaps)} on ({_listed(gaps)}).",)
    return ()


def remarks(path: object, log: TrainingLog) -> tuple[str, ...]:
    """Return a sentence for every quantity that was temporarily NaN, or has impossible values."""
    recovered = [gap for gap in log.gaps if gap.since is None]
    return (
        *(
            f"{path}: {gap.name} is NaN or infinite at {_positions(gap.x, gap.unit)}, and finite later."
            for gap in recovered
        ),
        *(_impossible(path, curve) for curve in log.impossible),
        *log.notes,
    )


def _impossible(path: object, curve: Curve) -> str:
    shown = ", ".join(f"{y:.4g} at {x:g}" for x, y in list(zip(curve.x, curve.y))[:3])
    more = ", …" if len(curve.x) > 3 else ""
    return (
        f"{path}: {curve.name} is {shown}{more} {curve.unit}, which is impossible for this metric (scipy "
        "1.11.2 to 1.12.0 compute some matrix square roots wrongly); such values are ignored."
    )


def _since(gaps: Sequence[Gap]) -> str:
    first = min(gaps, key=lambda gap: gap.since or 0.0)
    return f"{first.unit} {first.since:g}"


def _positions(x: Sequence[float], unit: str) -> str:
    return f"{unit} {', '.join(f'{place:g}' for place in x[:3])}{', …' if len(x) > 3 else ''}"


def _names(gaps: Sequence[Gap]) -> str:
    return f"{gaps[0].name} is" if len(gaps) == 1 else f"{_listed(gaps)} are"


def _listed(gaps: Sequence[Gap]) -> str:
    names = [gap.name for gap in gaps]
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
