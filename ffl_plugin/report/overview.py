"""One picture of a comparison, for a README or a slide: averaged spectra, sample images and profiles."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ffl_plugin.report import pictures, words
from ffl_plugin.report.figures import STROKES, WIDTHS
from ffl_plugin.report.model import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"real": "#1c1c1e", "before": "#b8480a", "after": "#0b5fa5"}
STYLE: Any = {"text.parse_math": False, "font.size": 9, "axes.titlesize": 9, "figure.facecolor": "white"}
SAMPLES = 2
FREQUENCY = "spatial frequency (cycles per pixel)"


def overview_png(comparison: Comparison) -> bytes:
    """Draw real, before and after in columns, averaged spectra above samples, and the lines to the right."""
    import matplotlib
    from matplotlib.figure import Figure

    spectra = comparison.pictures.spectra
    limits = pictures.spectrum_limits(list(spectra.values())) if spectra else (0.0, 1.0)
    rows: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    if spectra:
        rows.append(("averaged spectrum", spectra, {"cmap": "gray", "vmin": limits[0], "vmax": limits[1]}))
    rows += [("", sample.images, {}) for sample in comparison.pictures.samples[:SAMPLES]]
    columns = len(rows[0][1]) if rows else 0
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(2.1 * columns + 4.0, 2.3 * max(len(rows), 1) + 0.8), layout="constrained", dpi=120
        )
        figure.suptitle(words.wrapped(comparison.verdict.sentence, 110), fontsize=9)
        grid = figure.add_gridspec(max(len(rows), 1), columns + 2)
        for place, (title, images, style) in enumerate(rows):
            for column, (side, image) in enumerate(images.items()):
                axis = figure.add_subplot(grid[place, column])
                axis.imshow(image, **style)
                axis.set_title(f"{side}, {title}" if title else side)
                axis.axis("off")
        _lines(figure.add_subplot(grid[: max(len(rows) - 1, 1), columns:]), comparison)
        if len(rows) > 1 and comparison.profiles:
            _gaps(figure.add_subplot(grid[-1, columns:]), comparison)
        data = io.BytesIO()
        figure.savefig(data, format="png", metadata={"Software": f"ffl-plugin {comparison.version}"})
    return data.getvalue()


def _lines(axis: Axes, comparison: Comparison) -> None:
    """Radial profiles, or, of runs, the first metric that both logged."""
    lines: list[tuple[str, Any, Any]] = [(p.side, p.frequencies, p.decibels) for p in comparison.profiles]
    axis.set_xlabel(FREQUENCY)
    axis.set_ylabel("log power (dB)")
    if not lines:
        sides = (("before", comparison.before), ("after", comparison.after))
        curves = [
            (side, curve) for side, trainings in sides for training in trainings for curve in training.curves
        ]
        curves = [(side, curve) for side, curve in curves if curve.name == curves[0][1].name]
        lines = [(side, curve.x, curve.y) for side, curve in curves]
        if curves:
            axis.set_xlabel(curves[0][1].unit)
            axis.set_ylabel(words.readable(curves[0][1].name))
    _draw(axis, lines)
    if lines:
        axis.legend(frameon=False)


def _gaps(axis: Axes, comparison: Comparison) -> None:
    """How far each profile lies from the real one."""
    real = comparison.profiles[0].decibels
    lines = [(p.side, p.frequencies, [a - b for a, b in zip(p.decibels, real)]) for p in comparison.profiles]
    _draw(axis, lines)
    axis.set_xlabel(FREQUENCY)
    axis.set_ylabel("minus real (dB)")


def _draw(axis: Axes, lines: list[tuple[str, Any, Any]]) -> None:
    labelled: set[str] = set()
    for side, x, y in lines:
        label = side if side not in labelled else None
        axis.plot(x, y, color=COLOURS[side], linestyle=STROKES[side], linewidth=WIDTHS[side], label=label)
        labelled.add(side)
    axis.spines[["top", "right"]].set_visible(False)
