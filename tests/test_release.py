"""What a release says of itself is the same in every file."""

from __future__ import annotations

import re
from pathlib import Path

import ffl_plugin

ROOT = Path(__file__).parents[1]


def test_one_version() -> None:
    declared = {
        "pyproject.toml": r'^version = "(.+)"$',
        "CITATION.cff": r"^version: (.+)$",
    }
    for name, pattern in declared.items():
        (version,) = re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert version == ffl_plugin.__version__, name


def test_the_changelog_has_a_dated_section_for_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(ffl_plugin.__version__)}\] - \d{{4}}-\d\d-\d\d$", text, re.MULTILINE)
