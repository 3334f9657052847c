from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ffl_plugin.cli import main

DAY = 86400


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something of every kind, some of it not used for a week, and files of others."""
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    files = {
        "features/aa.npy": 1000, "features/bb.npy": 500, "features/.cc.npy.k3j": 70, "features/notes.txt": 9,
        f"samples/{'0' * 64}/seed00000000.png": 300, f"samples/{'1' * 64}/seed00000000.png": 400,
        "samples/mine/seed00000000.png": 5, "pt_inception-2015-12-05-6726825d.pth.part": 60,

        "pairs/dd-ee.npz": 40, "pairs/.ff.npz.x1": 2, "spectra/gg.npz": 900,
        "features/hh-ii.npz": 30, "features/.jj.npz.z9": 4,
        "alexnet-owt-7be5be79.pth": 80, "native-0123456789abcdef.so": 20, "thesis.tex": 11,
    }  # fmt: skip
    for name, size in files.items():
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    week = time.time() - 7 * DAY
    for old in ("features/aa.npy", "samples/" + "0" * 64):
        os.utime(tmp_path / "cache" / old, (week, week))
    return tmp_path / "cache"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["cache", *arguments])
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_kept_is_listed_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--json")
    found = json.loads(out)
    assert (code, found["folder"]) == (0, str(folder))
    assert found["kinds"] == {
        "features": {"count": 5, "bytes": 1604},
        "pairs": {"count": 2, "bytes": 42},
        "spectra": {"count": 1, "bytes": 900},
        "samples": {"count": 2, "bytes": 700},
        "weights": {"count": 2, "bytes": 140},
        "native": {"count": 1, "bytes": 20},
    }
    _, out, _ = run(capsys)
    assert out.splitlines()[0] == f"{folder}  3 kB"
    assert "  features       2 kB in 5, the oldest unused for 7 days" in out


def test_pruning_removes_what_was_long_unused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = names(folder)
    code, _, err = run(capsys, "--prune", "6")
    assert (code, err) == (0, "removed 1 kB in 2\n")
    assert before - names(folder) == {"features/aa.npy", f"samples/{'0' * 64}/seed00000000.png"}


def test_clearing_leaves_files_of_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--clear")
    assert names(folder) == {"features/notes.txt", "samples/mine/seed00000000.png", "thesis.tex"}
    assert run(capsys)[:2] == (0, f"{folder}  0 B\n")


def test_a_link_is_not_followed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "dear.png").write_bytes(b"x")
    (folder / "samples" / ("2" * 64)).symlink_to(tmp_path / "elsewhere")
    _, out, _ = run(capsys, "--json")
    assert json.loads(out)["kinds"]["samples"] == {"count": 2, "bytes": 700}
    run(capsys, "--clear")
    assert (tmp_path / "elsewhere" / "dear.png").exists()


def test_a_folder_that_is_not_there_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "none"))
    assert run(capsys, "--clear")[0] == 0
    assert not (tmp_path / "none").exists()


def test_clear_and_prune_are_mutually_exclusive(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--clear", "--prune", "1")[0] == 2
    assert len(names(folder)) == 16
