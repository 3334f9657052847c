"""The list of forks: whole, readable, and each entry's clone there or told as missing."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from forks.entries import Entry, missing, read_entries
from forks.table import what_is_left_out
from forks.twins import same_models
from forks_material import COMMIT, ENTRY, ROOT

LIST = ROOT / "benchmarks" / "compatibility.json"


def test_list_has_many_repositories_of_every_target() -> None:
    entries = read_entries(LIST)
    assert len({entry.repository for entry in entries}) >= 45
    for target in ("stylegan2-ada", "stylegan3", "pix2pix", "cyclegan", "spade", "projected-gan"):
        assert {entry.expect for entry in entries if entry.target == target} == {"applies", "refused"}


def test_page_has_a_row_for_every_entry_of_the_list() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    for entry in read_entries(LIST):
        assert f"[{entry.where}](https://github.com/{entry.repository}/tree/{entry.commit})" in page


def cells_of(line: str) -> list[str]:
    """The cells of a line of a Markdown table."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def judged(texts: list[str]) -> str:
    """How many of a column's checks were right, of how many that were run."""
    run = [text for text in texts if text and not text.startswith("not run: ")]
    return f"{sum(not text.startswith('wrong: ') for text in run)} / {len(run)}"


def test_the_totals_of_the_page_are_those_of_its_rows() -> None:
    entries = read_entries(LIST)
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8").partition("\n## Journeys")[0]
    summary, *sections = page.split("\n## ")
    totals = {line[0].strip("*"): line[1:] for line in map(cells_of, summary.splitlines()) if len(line) == 8}
    rows = {
        (section.partition("\n")[0], link.partition("]")[0].removeprefix("[")): row
        for section in sections
        for link, *row in map(cells_of, section.splitlines()[4:])
    }
    targets = list(dict.fromkeys(entry.target for entry in entries))
    for target in [*targets, "all"]:
        part = [entry for entry in entries if target in (entry.target, "all")]
        found = [(entry, rows[entry.target, entry.where]) for entry in part]
        applies, refused = (
            [row[1] for entry, row in found if entry.expect == expect] for expect in ("applies", "refused")
        )
        assert totals[target] == [
            str(len(applies)),
            str(applies.count("applied")),
            str(len(refused)),
            str(refused.count("refused")),
            str([*applies, *refused].count("harmed")),
            judged([row[4] for _, row in found]),
            judged([row[5] for _, row in found]),
        ], target


def test_page_begins_with_what_the_benchmark_would_write() -> None:
    header = (ROOT / "benchmarks" / "compatibility-header.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    assert page.startswith(f"{header.rstrip()}\n{what_is_left_out(False, True)}\n| target |")


def test_page_has_no_path_of_the_machine_that_wrote_it() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    assert re.findall(r"/(?:tmp|home|root|work|Users|private)/\S*", page) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"expect": "maybe"}, "'maybe', not one of"),
        ({"commit": "0123456"}, "'0123456' is no full commit id"),
        ({}, r"has \('owner/name', '', 'pix2pix'\) twice"),
    ],
)
def test_list_names_the_entry_that_is_wrong(tmp_path: Path, change: dict[str, str], complaint: str) -> None:
    good = {
        "repository": "owner/name",
        "commit": COMMIT,
        "target": "pix2pix",
        "expect": "applies",
        "because": "",
    }
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"entries": [good, {**good, **change}]}), encoding="utf-8")
    with pytest.raises(ValueError, match=complaint):
        read_entries(path)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clones" / "owner+name"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text("a = 1\n", encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=n@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    return folder


def entry_at(folder: Path) -> Entry:
    head = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    return Entry("owner/name", head.stdout.strip(), "pix2pix", "applies", "")


def test_a_clone_at_its_commit_is_not_missing(clone: Path) -> None:
    assert missing(entry_at(clone), clone.parent) is None


def test_a_missing_clone_says_how_to_get_it(tmp_path: Path) -> None:
    sentence = missing(ENTRY, tmp_path)
    assert sentence is not None
    assert "git clone https://github.com/owner/name owner+name" in sentence
    assert f"checkout {COMMIT}" in sentence


def test_a_clone_at_another_commit_says_so(clone: Path) -> None:
    sentence = missing(ENTRY, clone.parent)
    assert sentence is not None and f"not 0123456: `git -C owner+name checkout {COMMIT}`" in sentence


def test_an_edited_clone_says_so(clone: Path) -> None:
    entry = entry_at(clone)
    (clone / "model.py").write_text("a = 2\n", encoding="utf-8")
    sentence = missing(entry, clone.parent)
    assert sentence is not None and "edited (model.py)" in sentence


def test_one_step_speaks_for_models_of_the_same_bytes(tmp_path: Path) -> None:
    entries = []
    for name, model in (("a", "one"), ("b", "two"), ("c", "one"), ("d", "one")):
        folder = tmp_path / f"{name}+clone" / "models"
        folder.mkdir(parents=True)
        (folder / "pix2pix_model.py").write_text(f"{model} = 1\n", encoding="utf-8")
        step = {"size": 8} if name == "d" else {}
        entries.append(Entry(f"{name}/clone", COMMIT, "pix2pix", "applies", "", step=step))
    first, _, third, _ = entries
    assert same_models(entries, tmp_path) == {third.key: first}
    (tmp_path / "c+clone" / "pix2pix_model.py").touch()  # which of the two is trained is not known here
    assert same_models(entries, tmp_path) == {}
