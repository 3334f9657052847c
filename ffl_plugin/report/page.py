"""The HTML report: one self-contained file in which every name is escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from ffl_plugin.metrics.feature_choice import NETWORKS, metric_on
from ffl_plugin.metrics.metric import FID
from ffl_plugin.report import figures, formatting, pictures
from ffl_plugin.report.model import ChangedImage, Comparison, RadialProfile, Sample
from ffl_plugin.report.rendering import markup, render
from ffl_plugin.report.verdict import DECIDING

PROFILE_LINES = 12
# Metrics for which an image's share is its influence.
FRECHET = {metric_on(FID, network).key for network in NETWORKS}
# Losses shown as figures, in this order; all others are in comparison.json.
LOSSES_SHOWN = (
    "Loss/G/ffl", "G_FFL", "FFL", "Gradient/ffl", "Gradient/rest", "grad_FFL", "grad_GAN", "grad_rest",
    "Loss/G/loss", "Loss/D/loss", "G_GAN", "G_L1", "GAN", "D_real", "D_fake",
)  # fmt: skip
MOST_LOSSES = 8
# Kind of comparison -> description of its rows.
COMPARED = {
    "pairs": "Every image compared with its real counterpart, then the sets as a whole.",
    "sets": "Sets of images, each as a whole, compared with the real ones.",
    "labels": "Label maps predicted on the images by a segmentation model, compared with the true ones.",
    "features": "Features of sets of images, compared with those of the real ones.",
    "logs": "Metrics that each training measured on its snapshots, at the last common one and at the "
    "best, which is biased by its selection.",
}


def to_html(comparison: Comparison) -> str:
    """Render the whole page."""
    shown = {
        **_spectra(comparison),
        "samples": [_sample(sample) for sample in comparison.pictures.samples],
        "changed": [
            _sample(sample, _change(image))
            for sample, image in zip(comparison.pictures.changed, comparison.changed)
        ],
        "changed_how": _changed_how(comparison),
        "curves": _curves(comparison),
        "trainings": _trainings(comparison),
        "spreads": [row for row in comparison.rows if row.training_spread is not None],
        "compared": COMPARED[comparison.kind],
        "uncertainty": _uncertainty(comparison),
        "bases": _bases(comparison),
        "sampled": _sampled(comparison),
        "confidence": _confidence(comparison),
        "deciding": ", ".join(DECIDING),
    }
    return render(
        "report.html.jinja",
        version=comparison.version,
        record="comparison.json",
        comparison=comparison,
        **shown,
    )


def _sampled(comparison: Comparison) -> bool:
    """Return whether the sampling error of the images is known for any row."""
    return any(row.sampling is not None for row in comparison.rows)


def _confidence(comparison: Comparison) -> str:
    return f"{comparison.rows[0].level:.0%}" if comparison.rows else "95%"


def _uncertainty(comparison: Comparison) -> str:
    """Explain the intervals in one sentence."""
    others = ["images"] if _sampled(comparison) else []
    others += ["training seeds"] if comparison.several else []
    if not others:
        return "There is one number per side, and therefore no interval."
    return (
        f"The {_confidence(comparison)} confidence interval covers the choice of {' and '.join(others)}: "
        "if it contains zero, there is no evidence of a change."
    )


def _bases(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Return name, basis and note of rows that have any; a note that is a caveat is not repeated."""
    caveats = comparison.verdict.caveats
    bases = [
        (formatting.name(row), str(row.basis), "" if row.note in caveats else row.note)
        for row in comparison.rows
    ]
    return [found for found in bases if found[1] or found[2]]


def _data(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _trainings(comparison: Comparison) -> list[tuple[str, Any]]:
    real = [("real", comparison.real)] if comparison.real else []
    return [*real, *comparison.trainings.named()]


def _spectra(comparison: Comparison) -> dict[str, Any]:
    """Return averaged spectra in a common grey scale, differences from real, and profiles."""
    spectra = comparison.pictures.spectra
    shown: dict[str, Any] = {"spectra": [], "differences": [], "profile": None}
    if not spectra:
        return shown
    limits = pictures.spectrum_limits(list(spectra.values()))
    shown["grey_scale"] = f"{formatting.decibels(limits[0])} to {formatting.decibels(limits[1])}"
    shown["spectra"] = [
        {
            "side": side,
            "image": _data(pictures.spectrum_png(spectrum, limits)),
            "description": f"Averaged log spectrum, {side}",
        }
        for side, spectrum in spectra.items()
    ]
    if "real" in spectra:
        gaps = {side: spectrum - spectra["real"] for side, spectrum in spectra.items() if side != "real"}
        limit = pictures.difference_limit(list(gaps.values()))
        shown["difference_scale"] = f"{formatting.decibels(-limit)} to +{formatting.decibels(limit)}"
        shown["differences"] = [
            {
                "side": side,
                "image": _data(pictures.difference_png(gap, limit)),
                "description": f"Averaged log spectrum, {side} minus real: mean absolute difference "
                f"{formatting.decibels(float(abs(gap).mean()))}",
            }
            for side, gap in gaps.items()
        ]
    shown["profile"] = _profile(comparison.profiles)
    return shown


def _profile(profiles: Sequence[RadialProfile]) -> Any:
    if not profiles:
        return None
    frequencies = profiles[0].frequencies
    step = max(1, len(frequencies) // PROFILE_LINES)
    table = [
        [f"{frequencies[i]:.3f}", *(f"{profile.decibels[i]:.1f}" for profile in profiles)]
        for i in range(0, len(frequencies), step)
    ]
    return {
        "svg": markup(figures.profile_svg(profiles, "profile")),
        "sides": [profile.side for profile in profiles],
        "table": table,
        "description": _profile_description(profiles),
    }


def _profile_description(profiles: Sequence[RadialProfile]) -> str:
    """Describe the figure: the difference of each side from real in the upper half of the frequencies."""
    real = next((profile for profile in profiles if profile.side == "real"), None)
    description = "Mean log power over spatial frequency."
    if real is None:
        return description
    start = sum(frequency < 0.25 for frequency in real.frequencies)
    parts = []
    for profile in profiles:
        gaps = profile.minus(real)[start:]
        if profile.side != "real" and gaps:
            parts.append(f"{formatting.decibels(sum(gaps) / len(gaps))} {profile.side}")
    return (
        f"{description} Above 0.25 cycles per pixel, difference from real: {', '.join(parts)}."
        if parts
        else description
    )


def _sample(sample: Sample, change: str = "") -> dict[str, Any]:
    """Return a row of pictures: each side's image above its spectrum, with a common grey scale."""
    limits = pictures.spectrum_limits(list(sample.spectra.values()))
    columns = [
        {
            "side": side,
            "image": _data(pictures.photograph_png(image)),
            "spectrum": _data(pictures.spectrum_png(sample.spectra[side], limits)),
        }
        for side, image in sample.images.items()
    ]
    return {"name": sample.name, "columns": columns, "change": change}


def _changed_how(comparison: Comparison) -> str:
    if not comparison.changed:
        return ""
    row = comparison.row(comparison.changed[0].metric)
    name = "" if row is None else formatting.name(row)
    if comparison.changed[0].metric in FRECHET:
        return (
            f"By each image's share in {name} (its influence over the number of images; negative is better): "
            "the largest improvements first, then the largest deteriorations."
        )
    mean = ", averaged over the trainings of each side (pictures from the first)"
    return (
        f"By {name}{mean if comparison.several else ''}: the largest improvements first, then the largest "
        "deteriorations."
    )


def _change(image: ChangedImage) -> str:
    before, after = formatting.number(image.before), formatting.number(image.after)
    return f": {before} → {after} ({formatting.number(image.change, signed=True, like=image.before)})"


def _curves(comparison: Comparison) -> list[dict[str, Any]]:
    """Return one figure per logged quantity: metrics first, then the main losses."""
    by_name: dict[str, list[Any]] = {}
    for side, training in comparison.trainings.named():
        for curve in training.curves:
            by_name.setdefault(curve.name, []).append((side, curve))
    measured = [name for name, curves in by_name.items() if curves[0][1].is_metric]
    losses = [name for name in LOSSES_SHOWN if name in by_name]
    shown = []
    for number, name in enumerate([*measured, *losses[:MOST_LOSSES]]):
        svg = figures.curves_svg(by_name[name], name, f"curve{number}")
        shown.append({"svg": markup(svg), "description": _curve_description(name, by_name[name])})
    return shown


def _curve_description(name: str, curves: Sequence[tuple[str, Any]]) -> str:
    ends: dict[str, list[str]] = {}
    for side, curve in curves:
        ends.setdefault(side, []).append(formatting.number(curve.y[-1]))
    endings = "; ".join(f"{side} ends at {', '.join(values)}" for side, values in ends.items())
    remarks = []
    if figures.falls_far([curve for _, curve in curves]):
        remarks.append("logarithmic axis")
    most = max(figures.points_averaged(curve) for _, curve in curves)
    if most > 1:
        remarks.append(f"each point averages {most} log entries")
    drawn = f" ({', '.join(remarks)})" if remarks else ""
    return f"{name} over {curves[0][1].unit}: {endings}{drawn}."
