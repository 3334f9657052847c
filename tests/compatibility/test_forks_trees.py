"""What a folder looked like before and after: every difference is told."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from forks.tree import differences, snapshot, syntax_error
from forks_material import tree


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


def test_syntax_error_is_told(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_bytes(b"\xef\xbb\xbfa = '\\d'\r\n")
    bad.write_bytes(b"print 'a'\n")
    assert syntax_error(good) == ""
    assert "Missing parentheses" in syntax_error(bad)
