"""The drawings of the page and the overview, read back from what matplotlib was told to draw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ffl_plugin.report import Comparison, MeasurementSettings, compare, figures, overview, pictures
from ffl_plugin.report.curves import Curve


def curve(y: Sequence[float], file: str = "stats.jsonl") -> Curve:
    return Curve("fid50k_full", "kimg", tuple(map(float, range(len(y)))), tuple(map(float, y)), file)


@pytest.fixture(scope="module")
def comparison_of_label_maps(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("labels")
    random = np.random.default_rng(0)
    for name, wrong in (("true", 0.0), ("before", 0.4), ("after", 0.2)):
        (folder / name).mkdir()
        for index in range(6):
            labels = np.repeat(np.arange(4, dtype=np.uint8), 64).reshape(16, 16)
            labels[random.random((16, 16)) < wrong] = 3
            Image.fromarray(labels).save(folder / name / f"{index}.png")
    sides = {"real": folder / "true", "before": folder / "before", "after": folder / "after"}
    return compare(**sides, settings=MeasurementSettings(classes=4))


def test_a_long_curve_is_drawn_as_means_of_runs_of_like_length() -> None:
    x, y = figures.thinned(curve(range(1001)))
    assert len(x) == figures.MOST_POINTS
    assert x == y
    assert np.diff(x) == pytest.approx(1001 / figures.MOST_POINTS, abs=1)  # no short run at the end
    assert np.average(y, weights=np.diff([1001 * i // 80 for i in range(81)])) == pytest.approx(500)
    assert figures.thinned(curve([3, 1])) == ([0, 1], [3, 1])
    assert (figures.points_averaged(curve(range(1001))), figures.points_averaged(curve([3, 1]))) == (13, 1)


@pytest.mark.parametrize(
    ("y", "file", "far"),
    [
        ([300, 50, 8], "metric-fid50k_full.jsonl", True),
        ([300, 50, 31], "metric-fid50k_full.jsonl", False),
        ([0.01, 0.5, 0.7], "metric-pr50k3_full.jsonl", False),  # rises
        ([3, 0.1, -0.001], "metric-kid50k_full.jsonl", False),  # has no logarithm
        ([300, 50, 8], "stats.jsonl", False),
    ],
)
def test_only_a_metric_that_falls_far_has_a_logarithmic_axis(
    y: Sequence[float], file: str, far: bool
) -> None:
    assert figures.falls_far([curve(y, file)]) == far
    svg = figures.curves_svg([("before", curve(y, file))], "fid50k_full", "curve")
    assert bool(re.search(r">200<.*>100<|>100<.*>200<", svg, re.DOTALL) and ">20<" in svg) == far
    assert "mathdefault" not in svg


def test_the_caption_tells_how_a_curve_was_drawn(comparison_of_runs: Comparison) -> None:
    from ffl_plugin.report.page import to_html

    page = to_html(comparison_of_runs)
    assert "fid50k_full over kimg: before ends at 20.00, 21.00, 22.00; after ends at" in page
    assert "(logarithmic axis)" in page
    long = curve(range(1000))
    before = replace(comparison_of_runs.before[0], curves=(replace(long, name="Loss/G/ffl"),))
    page = to_html(replace(comparison_of_runs, before=(before,)))
    assert "each point averages 13 log entries" in page


def drawn(figure: Figure) -> Figure:
    figure.canvas.draw()
    return figure


def fits(figure: Figure) -> bool:
    """Whether the verdict above the figure lies within it."""
    box, page = figure._suptitle.get_window_extent(), figure.bbox
    return box.x0 >= 0 and box.y0 >= 0 and box.x1 <= page.x1 and box.y1 <= page.y1


def test_the_overview_of_runs_shows_the_metric_that_decides(comparison_of_runs: Comparison) -> None:
    figure = drawn(overview.overview_figure(comparison_of_runs))
    (axis,) = figure.axes
    assert axis.get_ylabel() == comparison_of_runs.verdict.metric == "fid50k_full"
    assert axis.get_yscale() == "log"
    assert len(axis.lines) == 6
    assert fits(figure)


def test_the_overview_of_label_maps_shows_changes_with_their_intervals(
    comparison_of_label_maps: Comparison,
) -> None:
    figure = drawn(overview.overview_figure(comparison_of_label_maps))
    assert len(figure.axes) == len(comparison_of_label_maps.rows) == 2
    for axis, row in zip(figure.axes, comparison_of_label_maps.rows):
        interval, point = axis.lines[1:]
        assert list(interval.get_xdata()) == [row.low, row.high]
        assert list(point.get_xdata()) == [row.delta]
        low, high = axis.get_xlim()
        assert low <= 0 <= high
    assert fits(figure)


def test_the_overview_of_images_fits_its_verdict(comparison: Comparison) -> None:
    figure = drawn(overview.overview_figure(comparison))
    assert [axis.get_title() for axis in figure.axes[:3]] == [
        f"{side}, averaged spectrum" for side in ("real", "before", "after")
    ]
    assert fits(figure)


def test_the_limit_of_differences_leaves_out_the_largest_hundredth() -> None:
    difference = np.full(1000, 2.0)
    difference[:5] = 500.0, -500.0, np.inf, np.nan, 300.0
    assert pictures.difference_limit([difference, -difference]) == 2
    assert pictures.difference_limit([difference / 100]) == 1  # decibel, at the least
