from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_material import write_run, write_set

from ffl_plugin.report import Comparison, MeasurementSettings, compare
from ffl_plugin.report.page import to_html

HOSTILE = "<img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Every start tag with its attributes, and the text."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.fixture(scope="module", params=["comparison", "sweep"])
def page(request: pytest.FixtureRequest, comparison: Comparison, sweep_page: str) -> Page:
    return Page(to_html(comparison) if request.param == "comparison" else sweep_page)


def test_tags_are_balanced_and_ids_unique(page: Page) -> None:
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_fetched_or_run(page: Page) -> None:
    assert not page.all("script", "link", "iframe", "object")
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            place = attributes.get(name, "#")
            inside = place.startswith(("data:image/png;base64,", "#"))
            assert inside or re.fullmatch(r"weight-[\d.]+/report\.html", place)
        assert not any(name.startswith("on") for name in attributes)
    (policy,) = [
        meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy


def test_references_inside_drawings_lead_somewhere(comparison: Comparison) -> None:
    html = to_html(comparison)
    ids = {attributes["id"] for _, attributes in Page(html).tags if "id" in attributes}
    references = {part.partition(")")[0] for part in html.split("url(#")[1:]}
    references |= {part.partition('"')[0] for part in html.split('href="#')[1:]}
    assert references
    assert references <= ids


def test_a_screen_reader_finds_its_way(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == len(page.all("h1")) == 1
    assert all(image["alt"].strip() for image in page.all("img"))
    assert all(header["scope"] in ("col", "row") for header in page.all("th"))
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for _, attributes in page.tags:
        assert attributes.get("aria-labelledby", "main") in ids
    # A drawing is one picture with a description; its pieces are not read out.
    drawn = [attributes for attributes in page.all("div") if attributes.get("role") == "img"]
    assert len(drawn) == len(page.all("svg"))
    assert all(attributes["aria-label"] for attributes in drawn)


def test_the_verdict_comes_first(comparison: Comparison) -> None:
    page = Page(to_html(comparison))
    text = page.text[page.text.index("before and after", page.text.index("}")) :]
    assert text.index(comparison.verdict.statement) < text.index("Numbers")


def test_the_table_tells_what_its_intervals_are_about(
    comparison: Comparison, comparison_of_runs: Comparison, sets: Path, tmp_path: Path
) -> None:
    pairs, runs = (Page(to_html(found)).text for found in (comparison, comparison_of_runs))
    assert "Every image compared with its real counterpart" in pairs
    assert "The 95% confidence interval covers the choice of images:" in pairs
    assert "measured on its snapshots" in runs
    assert "covers the choice of training seeds:" in runs
    assert "the effect of the choice of images cannot be separated" in " ".join(runs.split())
    assert "standard error" not in runs
    several = compare(
        real=sets / "real",
        before=[sets / "before", write_set(tmp_path / "more", 1.5)],
        after=sets / "after",
        settings=MeasurementSettings(pairs=False, download=False),
    )
    text = " ".join(Page(to_html(several)).text.split())
    assert "Sets of images, each as a whole" in text
    assert "covers the choice of images and training seeds:" in text
    assert "standard error" in text
    assert "from the first training of each side" in text
    alone = compare(
        before=write_run(tmp_path / "a", {0: 300, 200: 60}),
        after=write_run(tmp_path / "b", {0: 300, 200: 50}),
    )
    assert "one number per side, and therefore no interval" in Page(to_html(alone)).text


def test_the_page_of_a_sweep_names_the_level_of_its_intervals(sweep_page: str) -> None:
    assert "Change 95% interval" in " ".join(Page(sweep_page).text.split())


def test_a_note_that_the_verdict_tells_is_not_told_again(comparison: Comparison) -> None:
    note = "Too few images for a test."
    rows = (replace(comparison.rows[0], note=note), *comparison.rows[1:])
    told = replace(comparison, rows=rows, verdict=replace(comparison.verdict, caveats=(note,)))
    assert Page(to_html(told)).text.count(note) == 1
    assert Page(to_html(replace(comparison, rows=rows))).text.count(note) == 2  # a phone has its own list


def test_a_drawing_follows_the_colours_of_the_page(comparison: Comparison) -> None:
    html = to_html(comparison)
    assert "stroke: var(--after)" in html
    assert "prefers-color-scheme: dark" in html


def test_every_name_is_escaped(tmp_path: Path) -> None:
    for side, radius in (("real", 0), ("before", 2), ("after", 1)):
        write_set(tmp_path / side / HOSTILE, radius, count=4, name="{:02d}" + HOSTILE + ".png")
    sides = {side: tmp_path / side / HOSTILE for side in ("real", "before", "after")}
    page = Page(
        to_html(compare(**sides, command=f"compare {HOSTILE}", settings=MeasurementSettings(download=False)))
    )
    assert not any("onerror" in attributes for attributes in page.all("img"))
    assert page.text.count(HOSTILE) > 6


def test_hostile_logs_and_options_are_escaped(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", {0: 300, 200: 60})
    after = write_run(tmp_path / "after", {0: 300, 200: 50})
    for run in (before, after):
        lines = [
            json.dumps(
                {"results": {f"fid$\\frac{HOSTILE}": kimg}, "snapshot_pkl": f"network-snapshot-{kimg}.pkl"}
            )
            for kimg in (0, 200)
        ]
        (run / "metric-odd.jsonl").write_text("\n".join(lines))
    options = json.loads((after / "training_options.json").read_text())
    (after / "training_options.json").write_text(
        json.dumps({**options, HOSTILE: HOSTILE, "\x1b[31m": "\u202e"})
    )
    page = Page(to_html(compare(before=before, after=after)))
    assert not page.all("img")
    assert page.text.count(HOSTILE) > 4
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, as WCAG 2.2 defines it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_the_paper(comparison: Comparison, scheme: int) -> None:
    """Contrast of at least 4.5 to 1, on the page and on shaded parts, in both schemes."""
    colours = re.findall(r":root \{(.*?)\}", to_html(comparison), re.DOTALL)[scheme]
    value = dict(re.findall(r"--(\w+): (#\w{6})", colours))
    for ink in ("ink", "quiet", "before", "after", "improved", "worse", "none"):
        for paper in ("paper", "soft"):
            light, dark = sorted((luminance(value[ink]), luminance(value[paper])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)
