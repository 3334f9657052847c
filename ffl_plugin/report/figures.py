"""Line figures as SVG in the page's colour scheme, light or dark.

Matplotlib draws with placeholder colours, which are replaced by CSS variables in the SVG: one figure works in
both schemes. Text remains text.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ffl_plugin.as_text import shortest
from ffl_plugin.report import formatting
from ffl_plugin.report.curves import Curve
from ffl_plugin.report.model import RadialProfile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Placeholder colour -> CSS variable of the page.
INK, FAINT = "#010203", "#040506"
SIDE_COLOURS = {"real": "#070809", "before": "#0a0b0c", "after": "#0d0e0f"}
VARIABLES = {INK: "--ink", FAINT: "--faint", **{colour: f"--{side}" for side, colour in SIDE_COLOURS.items()}}
# Lines also differ in stroke, for colour-blind readers and monochrome printers.
STROKES: dict[str, Any] = {"real": "-", "before": (0, (5, 2)), "after": "-"}
WIDTHS = {"real": 2.6, "before": 1.8, "after": 1.8}
# Lines with more points are drawn as means of consecutive points, to reduce noise.
MOST_POINTS = 80
# A metric that falls by a larger factor has a logarithmic axis, which shows the end of the training better.
LOGARITHMIC_FROM = 10.0
LEGEND: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 3, "borderaxespad": 0.2}

STYLE: Any = {
    "svg.fonttype": "none", "text.parse_math": False, "font.size": 11, "font.family": "sans-serif",
    "axes.titlesize": 11, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.linewidth": 0.4, "legend.frameon": False, "text.color": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": FAINT, "grid.color": FAINT,
}  # fmt: skip


def profile_svg(profiles: Sequence[RadialProfile], name: str) -> str:
    """Draw radial log-power profiles, and below them their differences from the real one, in dB."""
    real = [profile for profile in profiles if profile.side == "real"]
    with _figure(rows=2 if real else 1, height=4.6 if real else 3.0) as (figure, axes):
        draw_lines(axes[0], [(p.side, p.frequencies, p.decibels) for p in profiles])
        axes[0].set_ylabel("log power (dB)")
        axes[0].legend(**LEGEND)
        if real:
            axes[1].axhline(0, color=SIDE_COLOURS["real"], linewidth=WIDTHS["real"])
            fakes = [profile for profile in profiles if profile.side != "real"]
            draw_lines(axes[1], [(p.side, p.frequencies, p.minus(real[0])) for p in fakes])
            axes[1].set_ylabel("minus real (dB)")
        axes[-1].set_xlabel("spatial frequency (cycles per pixel)")
        return _svg(figure, name)


def curves_svg(curves: Sequence[tuple[str, Curve]], quantity: str, name: str) -> str:
    """Draw one quantity of all trainings over the course of training, given as (side, curve).

    Lines with many points are averaged, see `points_averaged`; a metric that falls far has a logarithmic
    axis.
    """
    with _figure(rows=1, height=3.0) as (figure, axes):
        draw_lines(axes[0], [(side, *thinned(curve)) for side, curve in curves])
        axes[0].set_xlabel(curves[0][1].unit)
        axes[0].set_ylabel(formatting.readable(quantity))
        if falls_far([curve for _, curve in curves]):
            logarithmic(axes[0])
        axes[0].legend(**LEGEND)
        return _svg(figure, name)


def points_averaged(curve: Curve) -> int:
    """Return the largest number of logged points that are averaged into one drawn point."""
    return -(-len(curve.x) // MOST_POINTS)


def by_weight_svg(
    points: Sequence[tuple[float, Sequence[float]]], option: str, quantity: str, name: str
) -> str:
    """Draw a metric over evenly spaced weights or shares, given as (weight, value of each training)."""
    with _figure(rows=1, height=3.0) as (figure, (axis,)):
        means = [sum(values) / len(values) for _, values in points]
        axis.plot(range(len(points)), means, color=SIDE_COLOURS["after"], linewidth=WIDTHS["after"])
        axis.axhline(means[0], color=SIDE_COLOURS["before"], linestyle=STROKES["before"])
        for place, (weight, values) in enumerate(points):
            colour = SIDE_COLOURS["after" if weight else "before"]
            axis.plot([place] * len(values), values, "o", color=colour, markersize=5)
        axis.set_xticks(range(len(points)), [shortest(weight) for weight, _ in points])
        axis.set_xlabel(option)
        axis.set_ylabel(formatting.readable(quantity))
        return _svg(figure, name)


@contextlib.contextmanager
def _figure(rows: int, height: float) -> Iterator[tuple[Figure, list[Axes]]]:
    """Create a figure in the page's style, with its axes in a list, without pyplot and its global state."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.0, height), layout="constrained")
        axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0].tolist()
        for part in (figure, *axes):
            part.patch.set_alpha(0)
        yield figure, axes


def draw_lines(
    axis: Axes,
    lines: Sequence[tuple[str, Sequence[float], Sequence[float]]],
    colours: Mapping[str, str] = SIDE_COLOURS,
    marked_below: int = 12,
) -> None:
    """Draw lines given as (side, x, y), one legend entry per side; those of few points with markers."""
    sides = [side for side, _, _ in lines]
    for place, (side, x, y) in enumerate(lines):
        axis.plot(
            x, y, color=colours[side], linestyle=STROKES[side], linewidth=WIDTHS[side], markersize=4,
            marker="o" if len(x) < marked_below else "", label=side if sides.index(side) == place else None,
        )  # fmt: skip


def thinned(curve: Curve) -> tuple[list[float], list[float]]:
    """Average consecutive points in runs of equal length (or one less), down to at most `MOST_POINTS`."""
    count = min(MOST_POINTS, len(curve.x))
    edges = [len(curve.x) * place // count for place in range(count + 1)]
    runs = [slice(first, last) for first, last in zip(edges, edges[1:])]
    x, y = ([sum(values[run]) / len(values[run]) for run in runs] for values in (curve.x, curve.y))
    return x, y


def falls_far(curves: Sequence[Curve]) -> bool:
    """Return whether these are positive curves of a metric, and one falls by more than `LOGARITHMIC_FROM`."""
    positive = all(curve.is_metric and min(curve.y) > 0 for curve in curves)
    return positive and any(curve.y[0] > LOGARITHMIC_FROM * min(curve.y) for curve in curves)


def logarithmic(axis: Axes) -> None:
    """Make the y axis logarithmic, with plain numbers instead of matplotlib's mathematical notation."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())


def _svg(figure: Figure, name: str) -> str:
    """Return the SVG element alone: no prologue or metadata, unique ids, and CSS variables for colours."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'xlink:href="#', f'xlink:href="#{name}-', svg)
    head, rest = svg.split(">", 1)
    svg = re.sub(r' (width|height)="[^"]*"', "", head) + ">" + rest
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg
