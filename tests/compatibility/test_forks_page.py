"""The rows: what is not as expected, how the page counts them, and how a run that stopped goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from forks import table, worker
from forks.entries import Entry, read_entries
from forks.kept import Kept
from forks.table import Row
from forks.trip import Trip
from forks.worker import Check
from forks_material import ENTRY, REFUSED, ROOT


def test_an_error_is_quoted_without_the_folders_of_the_run() -> None:
    text = "no such file: '/somewhere/run1/clone/train.py', '/somewhere/run1/images.zip' in /somewhere/run1"
    said = worker.below(text, Path("/somewhere/run1/clone"), Path("/somewhere/run1"))
    assert said == "no such file: 'train.py', 'images.zip' in the copy"
    text = "cannot import name 'a' from 'b' (/home/me/env/lib/python3.11/site-packages/b/__init__.py)"
    assert worker.below(text, Path("/somewhere")) == "cannot import name 'a' from 'b' (b/__init__.py)"


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    row = Row(ENTRY, Trip("applied", files=["a.py"]), step=Check("right", "weight 0 bitwise"))
    calls: list[Entry] = []

    def make() -> Row:
        calls.append(ENTRY)
        return row

    assert [Kept(tmp_path / "kept").row(ENTRY, make) for _ in range(2)] == [row, row]
    assert len(calls) == 1
    Kept(tmp_path / "kept").row(REFUSED, make)
    Kept(None).row(ENTRY, make)
    assert len(calls) == 3


def test_a_worker_that_fails_says_its_last_line(tmp_path: Path) -> None:
    said = worker.run_worker("worker_launcher.py", {"root": str(tmp_path), "module": "absent"}, tmp_path)
    assert said == "KeyError: 'weights'"


@pytest.mark.parametrize(
    ("row", "surprise"),
    [
        (Row(ENTRY, Trip("applied"), step=Check("not run", "no library")), ""),
        (Row(ENTRY, Trip("applied"), step=Check("wrong", "not linear")), "applied, but not linear"),
        (Row(ENTRY, Trip("refused", "no class")), "refused: no class"),
        (Row(ENTRY, None, "not there: fetch it"), "not there: fetch it"),
        (Row(REFUSED, Trip("refused", "is a Jittor port")), ""),
        (Row(REFUSED, Trip("refused", "no class")), "refused without “jittor”: no class"),
        (Row(REFUSED, Trip("applied")), "applied"),
        (Row(REFUSED, Trip("harmed", "revert left: a.py is gone")), "harmed: revert left: a.py is gone"),
    ],
)
def test_surprise(row: Row, surprise: str) -> None:
    assert row.surprise == surprise


def test_page_counts_and_names_what_is_not_as_expected() -> None:
    rows = [
        Row(
            ENTRY,
            Trip("applied"),
            launch=Check("right", "the flag arrives"),
            step=Check("wrong", "not linear"),
        ),
        Row(ENTRY, Trip("refused", "no | <class>")),
        Row(REFUSED, Trip("refused", "a jittor port")),
        Row(REFUSED, Trip("harmed", "revert failed")),
    ]
    text = table.page(rows, "# Title\n")
    assert text.startswith("# Title\n\n| target |")
    assert "| pix2pix | 2 | 1 | 0 | 0 | 0 | 1 / 1 | 0 / 1 |" in text
    assert "| spade | 0 | 0 | 2 | 1 | 1 | 0 / 0 | 0 / 0 |" in text
    assert "| **all** | 2 | 1 | 2 | 1 | 1 | 1 / 1 | 0 / 1 |" in text
    assert "- owner/name, pix2pix, expected applies: applied, but not linear" in text
    assert "- owner/name, spade, expected refused: harmed: revert failed" in text
    assert "no \\| &lt;class>" in text
    assert text.count("\n- ") == 3


def test_page_without_surprises_says_so() -> None:
    assert "Every outcome is the one expected" in table.page([Row(ENTRY, Trip("applied"))], "# Title\n")


def test_page_says_what_its_run_left_out() -> None:
    assert "`--no-steps`: no dry run and no training step" in table.what_is_left_out(True, True)
    assert "`--one-step-per-file`: no step is taken" in table.what_is_left_out(False, True)
    assert table.what_is_left_out(False, False) == ""


def test_a_page_is_read_as_it_was_written() -> None:
    other = replace(ENTRY, repository="other/name")
    rows = [
        Row(
            ENTRY,
            Trip("applied"),
            launch=Check("right", "arrives: yes"),
            step=Check("wrong", "not | <linear>"),
        ),
        Row(other, Trip("refused", "no | <class>"), step=Check("not run", "no: library")),
        Row(REFUSED, Trip("refused", "a jittor port")),
    ]
    text = table.page(rows, "# Title\n")
    found = table.read_rows(text, [ENTRY, other, REFUSED])
    assert [found[row.entry.key] for row in rows] == rows
    assert table.read_rows(text, [replace(ENTRY, commit="0" * 40)]) == {}


def test_the_page_of_the_documentation_is_read_and_written_alike() -> None:
    entries = read_entries(ROOT / "benchmarks" / "compatibility.json")
    text = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8").partition("\n## Journeys")[0]
    header, _, rest = text.partition("| target |")
    found = table.read_rows(text, entries)
    assert len(found) == len(entries)
    assert table.page(list(found.values()), header).endswith(f"| target |{rest}")
