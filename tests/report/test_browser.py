"""The page in a real browser, where one is installed."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from ffl_plugin.report.page import to_html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed")


def browse(folder, *arguments):
    command = [BROWSER, *OPTIONS, f"--user-data-dir={folder / 'profile'}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    shutil.rmtree(folder / "profile", ignore_errors=True)
    return done.stdout


@pytest.fixture(scope="module")
def widths(comparison, tmp_path_factory):
    """Width asked for -> (width of the content, pictures shown, pictures in all), measured inside frames."""
    folder = tmp_path_factory.mktemp("browser")
    page = html.escape(to_html(comparison))
    frames = "".join(
        f'<iframe width="{width}" height="800" srcdoc="{page}"></iframe>' for width in (390, 1280)
    )
    measure = """
    document.title = JSON.stringify(Array.from({length: frames.length}, (_, index) => {
      const root = frames[index].document.documentElement, pictures = [...frames[index].document.images];
      const shown = pictures.filter(picture => picture.naturalWidth > 0);
      const name = frames[index].document.querySelector('tbody th').getBoundingClientRect().width;
      return [frames[index].innerWidth, root.scrollWidth, shown.length, pictures.length, name];
    }));
    """
    harness = folder / "harness.html"
    harness.write_text(
        f"<title></title>{frames}<script>onload = () => {{{measure}}}</script>", encoding="utf-8"
    )
    dumped = browse(folder, "--dump-dom", "--virtual-time-budget=20000", harness.as_uri())
    rows = re.search(r"<title>(\[.*?\])</title>", dumped)
    assert rows, dumped[:500]
    return {row[0]: row[1:] for row in json.loads(rows.group(1))}


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window(widths, width):
    assert widths[width][0] <= width


def test_names_of_metrics_stay_readable_on_a_phone(widths):
    assert widths[390][3] >= 80


def test_every_picture_is_shown(widths):
    _, shown, pictures, _ = widths[1280]
    assert shown == pictures > 0


def test_the_page_is_dark_where_the_reader_wants_it(comparison, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(to_html(comparison), encoding="utf-8")
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
