"""The compatibility benchmark: its list, its round trip, its judgements and its page, without any clone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from relatives import launch, step, table, trip, worker  # noqa: E402
from relatives.entries import Entry, missing, read_entries  # noqa: E402
from relatives.kept import Kept  # noqa: E402
from relatives.table import Row  # noqa: E402
from relatives.tree import differences, snapshot, syntax_error  # noqa: E402
from relatives.trip import Trip, round_trip  # noqa: E402
from relatives.worker import Check  # noqa: E402

LIST = ROOT / "benchmarks" / "compatibility.json"
COMMIT = "0123456789" * 4
ENTRY = Entry("owner/name", COMMIT, "pix2pix", "applies", "as upstream")
REFUSED = Entry("owner/name", COMMIT, "spade", "refused", "a port", says="jittor")


def test_an_error_is_quoted_without_the_folders_of_the_run() -> None:
    text = "no such file: '/somewhere/run1/clone/train.py', '/somewhere/run1/images.zip' in /somewhere/run1"
    said = worker.below(text, Path("/somewhere/run1/clone"), Path("/somewhere/run1"))
    assert said == "no such file: 'train.py', 'images.zip' in the copy"


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


# The list.


def test_list_has_many_repositories_of_every_target() -> None:
    entries = read_entries(LIST)
    assert len({entry.repository for entry in entries}) >= 45
    for target in ("stylegan2-ada", "stylegan3", "pix2pix", "cyclegan", "spade", "projected-gan"):
        assert {entry.expect for entry in entries if entry.target == target} == {"applies", "refused"}


def test_page_has_a_row_for_every_entry_of_the_list() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    for entry in read_entries(LIST):
        assert f"[{entry.where}](https://github.com/{entry.repository}/tree/{entry.commit})" in page


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


# What is missing of a clone.


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


# Trees.


def touch(root: Path) -> None:
    (root / "a.py").write_bytes(b"a = 2\n")


def chmod(root: Path) -> None:
    (root / "a.py").chmod(0o700)


def add(root: Path) -> None:
    (root / "empty").mkdir()


def remove(root: Path) -> None:
    (root / "a.py").unlink()


def relink(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("nowhere")


def git_only(root: Path) -> None:
    (root / ".git").mkdir()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (touch, ["a.py has other bytes"]),
        (chmod, ["a.py has mode -rwx------, not -rw-r--r--"]),
        (add, ["empty is new"]),
        (remove, ["a.py is gone"]),
        (relink, ["link has other bytes"]),
        (git_only, []),
    ],
)
def test_differences_of_trees(tmp_path: Path, change: Callable[[Path], None], found: list[str]) -> None:
    tree(tmp_path)
    before = snapshot(tmp_path)
    change(tmp_path)
    assert differences(before, snapshot(tmp_path)) == found


def tree(root: Path) -> None:
    (root / "a.py").write_bytes(b"a = 1\n")
    (root / "a.py").chmod(0o644)
    (root / "link").symlink_to("a.py")


def test_syntax_error_is_told(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_bytes(b"\xef\xbb\xbfa = '\\d'\r\n")
    bad.write_bytes(b"print 'a'\n")
    assert syntax_error(good) == ""
    assert "Missing parentheses" in syntax_error(bad)


# The round trip, against a tool that keeps its promises, and one that breaks each of them.


class Tool:
    """`ffl-patch`, as far as the trip sees it: appends a line to a.py, and takes it out again."""

    def __init__(self, clone: Path) -> None:
        self.file = clone / "a.py"

    def __call__(
        self, command: str, target: str, clone: str, *flags: str
    ) -> subprocess.CompletedProcess[str]:
        answer = getattr(self, command)()
        return subprocess.CompletedProcess([], *(answer or (0, "", "")))

    def apply(self) -> Any:
        if not self.file.read_bytes().endswith(b"ffl = 1\n"):
            self.file.write_bytes(self.file.read_bytes() + b"ffl = 1\n")

    def status(self) -> Any:
        pass

    def revert(self) -> Any:
        self.file.write_bytes(self.file.read_bytes().replace(b"ffl = 1\n", b""))


class Refuses(Tool):
    def apply(self) -> Any:
        return 1, "", f"Error: {self.file}: a jittor port.\n"


class RefusesAndWrites(Refuses):
    def apply(self) -> Any:
        (self.file.parent / "a.py.tmp").touch()
        return super().apply()


class AppliesNothing(Tool):
    def apply(self) -> Any:
        pass


class LeavesFiles(Tool):
    def apply(self) -> Any:
        super().apply()
        (self.file.parent / "state.json").touch()


class BreaksSyntax(Tool):
    def apply(self) -> Any:
        self.file.write_bytes(b"a = \n")


class ChangesModes(Tool):
    def apply(self) -> Any:
        super().apply()
        self.file.chmod(0o600)


class AppliesTwice(Tool):
    def apply(self) -> Any:
        self.file.write_bytes(self.file.read_bytes() + b"ffl = 1\n")


class DeniesStatus(Tool):
    def status(self) -> Any:
        return 3, "pix2pix: absent", ""


class RevertsHalf(Tool):
    def revert(self) -> Any:
        self.file.write_bytes(self.file.read_bytes().replace(b"ffl = 1\n", b"\n"))


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (Tool, Trip("applied", files=["a.py"])),
        (Refuses, Trip("refused", "a.py: a jittor port.")),
        (RefusesAndWrites, Trip("harmed", "a refused apply left: a.py.tmp is new")),
        (AppliesNothing, Trip("harmed", "apply ended well and changed nothing")),
        (LeavesFiles, Trip("harmed", "apply also left: state.json is new")),
        (BreaksSyntax, Trip("harmed", "a.py no longer parses: invalid syntax (a.py, line 1)")),
        (ChangesModes, Trip("harmed", "a.py has another mode")),
        (AppliesTwice, Trip("harmed", "a second apply changed: a.py has other bytes")),
        (DeniesStatus, Trip("harmed", "status does not see what is applied: pix2pix: absent")),
        (RevertsHalf, Trip("harmed", "revert left: a.py has other bytes")),
    ],
)
def test_round_trip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: type[Tool], expected: Trip
) -> None:
    tree(tmp_path)
    monkeypatch.setattr(trip, "command", tool(tmp_path))
    assert round_trip("pix2pix", tmp_path) == expected


def test_round_trip_of_the_real_tool(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "tests" / "fixtures" / "pix2pix", clone)
    assert round_trip("pix2pix", clone) == Trip("applied", files=["models/pix2pix_model.py"])


def test_a_tool_that_cannot_run_is_no_refusal(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no target"):
        trip.command("apply", "no-such-target", str(tmp_path))


# The judgement of a training step.


def result(weight: float, **change: Any) -> dict[str, Any]:
    """A step whose own gradient is 1 and that of FFL 2, at a gain of 4."""
    gradient = torch.tensor([1.0, 1.0], dtype=torch.float64) + 4 * weight * torch.tensor([2.0, -2.0])
    reports = {"Loss/G/loss": torch.ones(()), **({"Loss/G/ffl": torch.ones(())} if weight else {})}
    expected = {"0.weight": torch.tensor([2.0, -2.0])} if weight else {}
    return {
        "gradients": {"0.weight": gradient},
        "reports": reports,
        "expected": expected,
        "gain": 4.0,
        **change,
    }


def steps(**change: Any) -> list[dict[str, Any]]:
    """The four steps of a patched tree; ``change`` replaces those it names."""
    usual = {"silent": result(0), "zero": result(0), "one": result(1), "two": result(2)}
    return list({**usual, **change}.values())


def scaled(factor: float) -> dict[str, torch.Tensor]:
    return {"0.weight": torch.tensor([2.0, -2.0]) * factor}


@pytest.mark.parametrize(
    ("found", "outcome", "text"),
    [
        (steps(), "right", "weight 0 bitwise, linear, = gain × ∇FFL to 0e+00; stand-ins for timm"),
        (
            steps(zero=result(1e-12)),
            "wrong",
            "at weight 0 the gradient is not bitwise that of the unpatched step",
        ),
        (steps(silent=result(0, reports={})), "wrong", "without a flag the step reports other names"),
        (steps(one=result(1, reports={})), "wrong", "also reports [], not ['Loss/G/ffl']"),
        (steps(one=result(0, reports=result(1)["reports"])), "wrong", "FFL does not reach the generator"),
        (steps(two=result(2.1)), "wrong", "weight 2 does not give twice the difference of weight 1"),
        (steps(one=result(1, expected=scaled(0.5))), "wrong", "is not the gradient of FFL of the two images"),
        (steps(one=result(1, expected=scaled(4))), "right", "= ∇FFL"),
    ],
)
def test_judgement_of_a_step(found: list[Any], outcome: str, text: str) -> None:
    check = step.compare(result(0), found, {"Loss/G/ffl"}, ["timm"])
    assert check.outcome == outcome
    assert text in check.text


def options(weight: float = 0, **change: Any) -> dict[str, Any]:
    """Training options as a launcher prints them."""
    loss: dict[str, Any] = {"r1_gamma": 1.0, **({"ffl_options": {"weight": weight}} if weight else {})}
    return {"loss_kwargs": loss, "run_dir": f"runs/00000-auto1{'-ffl1' if weight else ''}", **change}


@pytest.mark.parametrize(
    ("found", "outcome", "text"),
    [
        ([options(), options(), options(1)], "right", "the flag arrives"),
        (
            [options(num_gpus=2), options(), options(1)],
            "wrong",
            "without a flag the training options are not",
        ),
        ([options(), options(1), options(1)], "wrong", "at weight 0 the training options are not"),
        ([options(), options(), options(2)], "wrong", "does not reach the arguments of the loss"),
        ([options(), options(), options(1, batch=8)], "wrong", "changes other training options"),
        ([options(), options(), options(1, run_dir="runs/0")], "right", "in a run named without it"),
    ],
)
def test_judgement_of_a_dry_run(found: list[Any], outcome: str, text: str) -> None:
    check = launch.compare(options(), found, [])
    assert check.outcome == outcome
    assert text in check.text


# The page.


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
