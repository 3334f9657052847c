from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_write
from ffl_plugin.report import Comparison, check_folder, write_report


def test_a_report_is_written_whole_and_can_be_written_again(comparison: Comparison, tmp_path: Path) -> None:
    out = tmp_path / "new" / "report"
    written = write_report(comparison, out)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in written)
    assert json.loads((out / "comparison.json").read_text())["verdict"]["metric"] == comparison.verdict.metric
    assert (out / "overview.png").read_bytes().startswith(b"\x89PNG")
    assert write_report(comparison, out) == written


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "report.html", b"a page")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["notes.txt", "report.html", "comparison.json"])
def test_a_folder_of_other_files_is_refused_and_kept(
    comparison: Comparison, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(FFLError, match=f"contains files that ffl-patch compare did not write.*{name}"):
        write_report(comparison, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_a_file_beside_an_earlier_report_is_not_risked(comparison: Comparison, tmp_path: Path) -> None:
    write_report(comparison, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FFLError, match=r"notes\.txt"):
        check_folder(tmp_path)


def test_pictures_are_never_written_among_the_images_compared(tmp_path: Path) -> None:
    with pytest.raises(FFLError, match="is inside"):
        check_folder(tmp_path / "report", [tmp_path])
    (tmp_path / "file").write_text("")
    with pytest.raises(FFLError, match="is a file"):
        check_folder(tmp_path / "file")


def test_a_disk_that_refuses_is_told_in_words(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FFLError, match="cannot be written"):
        write_report(comparison, tmp_path / "file" / "report")
    assert not list(tmp_path.glob(".ffl-*"))


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc, where nobody may write")
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(
        FFLError, match=r"^/proc/ffl/report cannot be written: .*; pass another folder to --out"
    ):
        check_folder(Path("/proc/ffl/report"))


def test_trying_leaves_nothing_behind(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "report")
    assert list(tmp_path.iterdir()) == []
