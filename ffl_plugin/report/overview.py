"""An overview picture of a comparison with its verdict, for a README or a slide."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from ffl_plugin.report import formatting, pictures
from ffl_plugin.report.curves import Curve
from ffl_plugin.report.figures import WIDTHS, draw_lines, falls_far, logarithmic
from ffl_plugin.report.logged_metrics import BEST
from ffl_plugin.report.model import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"real": "#1c1c1e", "before": "#b8480a", "after": "#0b5fa5"}
STYLE: Any = {"text.parse_math": False, "font.size": 9, "axes.titlesize": 9, "figure.facecolor": "white"}
SAMPLES = 2
LETTERS_PER_INCH = 10.5
FREQUENCY = "spatial frequency (cycles per pixel)"


def overview_png(comparison: Comparison) -> bytes:
    """Encode `overview_figure` as PNG."""
    import matplotlib

    data = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure = overview_figure(comparison)
        figure.savefig(data, format="png", metadata={"Software": f"ffl-plugin {comparison.version}"})
    return data.getvalue()


def overview_figure(comparison: Comparison) -> Figure:
    """Draw spectra and samples with their profiles, or the curves of runs, or else the changes."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        if comparison.pictures.spectra:
            return _pictures(comparison)
        curves = _curves(comparison)
        return _course(comparison, curves) if curves else _changes(comparison)


def _figure(comparison: Comparison, width: float, height: float) -> Figure:
    """Create a figure of the given size in inches, with the verdict above it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=120)
    figure.suptitle(
        formatting.wrapped(comparison.verdict.sentence, int(LETTERS_PER_INCH * width)), fontsize=9
    )
    return figure


def _pictures(comparison: Comparison) -> Figure:
    """Draw real, before and after in columns, averaged spectra above samples, and profiles to the right."""
    spectra = comparison.pictures.spectra
    low, high = pictures.spectrum_limits(list(spectra.values()))
    rows: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (", averaged spectrum", spectra, {"cmap": "gray", "vmin": low, "vmax": high}),
        *(("", sample.images, {}) for sample in comparison.pictures.samples[:SAMPLES]),
    ]
    columns = max(len(images) for _, images, _ in rows)
    figure = _figure(comparison, 2.1 * columns + 4.0, 2.3 * len(rows) + 0.8)
    grid = figure.add_gridspec(len(rows), columns + 2)
    for place, (title, images, style) in enumerate(rows):
        for column, (side, image) in enumerate(images.items()):
            axis = figure.add_subplot(grid[place, column])
            axis.imshow(image, **style)
            axis.set_title(side + title)
            axis.axis("off")
    axis = figure.add_subplot(grid[: max(len(rows) - 1, 1), columns:])
    _draw(axis, [(p.side, p.frequencies, p.decibels) for p in comparison.profiles])
    axis.set_xlabel(FREQUENCY)
    axis.set_ylabel("log power (dB)")
    axis.legend(frameon=False)
    if len(rows) > 1:
        _gaps(figure.add_subplot(grid[-1, columns:]), comparison)
    return figure


def _curves(comparison: Comparison) -> list[tuple[str, Curve]]:
    """Return the curves of the deciding metric as (side, curve); empty unless runs are compared."""
    name = comparison.verdict.metric.removesuffix(BEST)
    return [
        (side, curve)
        for side, training in comparison.trainings.named()
        for curve in training.curves
        if curve.name == name
    ]


def _course(comparison: Comparison, curves: list[tuple[str, Curve]]) -> Figure:
    """Draw the deciding metric over the course of the trainings."""
    figure = _figure(comparison, 6.4, 3.8)
    axis = figure.add_subplot()
    _draw(axis, [(side, curve.x, curve.y) for side, curve in curves])
    if falls_far([curve for _, curve in curves]):
        logarithmic(axis)
    axis.set_xlabel(curves[0][1].unit)
    axis.set_ylabel(formatting.readable(curves[0][1].name))
    axis.legend(frameon=False)
    return figure


def _changes(comparison: Comparison) -> Figure:
    """Draw the change and interval of every row, each on its own axis because their units differ."""
    rows = [row for row in comparison.rows if math.isfinite(row.delta)]
    figure = _figure(comparison, 6.4, 0.8 + 0.7 * max(len(rows), 1))
    for place, row in enumerate(rows):
        axis = figure.add_subplot(len(rows), 1, place + 1)
        axis.axvline(0, color=COLOURS["real"], linewidth=1)
        if row.low is not None and row.high is not None:
            axis.plot([row.low, row.high], [0, 0], color=COLOURS["after"], linewidth=WIDTHS["after"])
        axis.plot([row.delta], [0], "o", color=COLOURS["after"])
        axis.set_yticks([0], [f"{formatting.name(row)} ({row.direction} is better)"])
        axis.spines[["top", "right", "left"]].set_visible(False)
    if rows:
        figure.supxlabel(f"change, after - before, with its {rows[0].level:.0%} interval", fontsize=9)
    return figure


def _gaps(axis: Axes, comparison: Comparison) -> None:
    """Draw the difference of each profile from the real one."""
    real = comparison.profiles[0]
    _draw(axis, [(p.side, p.frequencies, p.minus(real)) for p in comparison.profiles])
    axis.set_xlabel(FREQUENCY)
    axis.set_ylabel("minus real (dB)")


def _draw(axis: Axes, lines: list[tuple[str, Any, Any]]) -> None:
    draw_lines(axis, lines, COLOURS, marked_below=0)
    axis.spines[["top", "right"]].set_visible(False)
