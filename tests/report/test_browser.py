"""The page in a real browser, where one is installed."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ffl_plugin.report import Comparison
from ffl_plugin.report.page import to_html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed")


@pytest.fixture(autouse=True, scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A name in PATH may be no more than the advice to install a browser."""
    try:
        browse(tmp_path_factory.mktemp("browser"), "--dump-dom", "about:blank")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{BROWSER} does not start: {error.stderr}")


def browse(folder: Path, *arguments: str) -> str:
    profile = tempfile.mkdtemp(dir=folder)  # another each time: a browser lets go of its own only bit by bit
    command = [BROWSER, *OPTIONS, f"--user-data-dir={profile}", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        shutil.rmtree(profile, ignore_errors=True)


KINDS = ["comparison", "runs", "sweep"]


@pytest.fixture(scope="module")
def pages(comparison: Comparison, comparison_of_runs: Comparison, sweep_page: str) -> dict[str, str]:
    return {"comparison": to_html(comparison), "runs": to_html(comparison_of_runs), "sweep": sweep_page}


@pytest.fixture(scope="module")
def measured(
    pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, int], list[float]]:
    """(page, width of the window) -> what a browser makes of it.

    The width of the content, pictures shown, pictures in all, the width of the first name, and how far the
    first table reaches beyond its place.
    """
    folder = tmp_path_factory.mktemp("browser")
    kinds = [(kind, width) for kind in pages for width in (390, 1280)]
    frames = "".join(
        f'<iframe width="{width}" height="800" srcdoc="{html.escape(pages[kind])}"></iframe>'
        for kind, width in kinds
    )
    measure = """
    document.title = JSON.stringify(Array.from({length: frames.length}, (_, index) => {
      const root = frames[index].document.documentElement, pictures = [...frames[index].document.images];
      const shown = pictures.filter(picture => picture.naturalWidth > 0);
      const name = frames[index].document.querySelector('tbody th').getBoundingClientRect().width;
      const table = frames[index].document.querySelector('.scroll');
      return [root.scrollWidth, shown.length, pictures.length, name, table.scrollWidth - table.clientWidth];
    }));
    """
    harness = folder / "harness.html"
    harness.write_text(
        f"<title></title>{frames}<script>onload = () => {{{measure}}}</script>", encoding="utf-8"
    )
    dumped = browse(folder, "--dump-dom", "--virtual-time-budget=20000", harness.as_uri())
    rows = re.search(r"<title>(\[.*?\])</title>", dumped)
    assert rows, dumped[:500]
    return dict(zip(kinds, json.loads(rows.group(1))))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_fits_its_window(
    measured: dict[tuple[str, int], list[float]], kind: str, width: int
) -> None:
    assert measured[kind, width][0] <= width


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_numbers_needs_no_scrolling_on_a_phone(
    measured: dict[tuple[str, int], list[float]], kind: str
) -> None:
    assert measured[kind, 390][4] <= 0


def test_names_of_metrics_stay_readable_on_a_phone(measured: dict[tuple[str, int], list[float]]) -> None:
    assert measured["comparison", 390][3] >= 80


def test_every_picture_is_shown(measured: dict[tuple[str, int], list[float]]) -> None:
    _, shown, pictures, *_ = measured["comparison", 1280]
    assert shown == pictures > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_dark_where_the_reader_wants_it(pages: dict[str, str], tmp_path: Path, kind: str) -> None:
    page = tmp_path / "report.html"
    page.write_text(pages[kind], encoding="utf-8")
    means = {}
    for scheme, number in (("light", 1), ("dark", 0)):
        picture = tmp_path / f"{scheme}.png"
        browse(
            tmp_path,
            f"--screenshot={picture}",
            "--window-size=390,844",
            f"--blink-settings=preferredColorScheme={number}",
            page.as_uri(),
        )
        means[scheme] = np.asarray(Image.open(picture).convert("L")).mean()
    assert means["light"] > 200
    assert means["dark"] < 70


@pytest.mark.skipif(
    "FFL_AXE" not in os.environ, reason="FFL_AXE does not name axe.min.js (npm pack axe-core)"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_to_mend(pages: dict[str, str], tmp_path: Path, kind: str, scheme: str) -> None:
    check = """
    onload = async () => {
      const found = await axe.run(document, {resultTypes: ["violations"]});
      document.title = JSON.stringify([found.passes.length, found.violations.map(rule => rule.help)]);
    };
    """
    axe = Path(os.environ["FFL_AXE"]).read_text(encoding="utf-8")
    page = re.sub(r"<meta http-equiv=.Content-Security-Policy[^>]*>", "", pages[kind])
    (tmp_path / "report.html").write_text(
        page.replace("</body>", f"<script>{axe}</script><script>{check}</script></body>"), encoding="utf-8"
    )
    dumped = browse(
        tmp_path,
        "--dump-dom",
        "--virtual-time-budget=30000",
        "--window-size=390,844",
        f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
        (tmp_path / "report.html").as_uri(),
    )
    rows = re.search(r"<title>(\[.*?\])</title>", dumped)
    assert rows, dumped[:500]
    passed, violated = json.loads(html.unescape(rows.group(1)))
    assert passed > 20
    assert violated == []
