"""Bad input ends in one sentence with the right exit code; nothing is executed, extracted or overwritten."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import makers as make
import pytest
from cases import MISUSED, REFUSED

from ffl_plugin.cli import main


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, nor the weights that the user has."""
    monkeypatch.setenv("FFL_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("FFL_INCEPTION", raising=False)


def snapshot(folder: Path) -> dict[str, tuple[int, Path | bytes | bool]]:
    """Everything below a folder: kind, mode and content of each entry."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            content = path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes()
            found[str(path)] = (path.lstat().st_mode, content)
    return found


def answer(
    capfd: pytest.CaptureFixture[str], folder: Path, arguments: Iterable[object]
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; whatever happened, the folder is what it was."""
    before = snapshot(folder)
    code = 0
    try:
        main(list(map(str, arguments)))
    except SystemExit as end:
        code = end.code or 0
    captured = capfd.readouterr()
    assert snapshot(folder) == before
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_input_is_refused_in_one_sentence(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments, words = REFUSED[kind]
    code, stdout, stderr = answer(capfd, tmp_path, arguments(tmp_path))
    assert (code, stdout) == (1, "")
    assert len(stderr.splitlines()) == 1, stderr
    assert stderr.startswith("Error: ")
    assert words in stderr


@pytest.mark.parametrize("kind", MISUSED)
def test_misuse_is_told_with_exit_code_2(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments, words = MISUSED[kind]
    code, stdout, stderr = answer(capfd, tmp_path, arguments(tmp_path))
    assert (code, stdout) == (2, "")
    assert stderr.splitlines()[-1].startswith("Error: ")
    assert words in stderr.splitlines()[-1]


def can_mount() -> bool:
    """Whether a file system can be mounted in a name space of our own, which ends with its process."""
    words = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(words, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="no file system can be mounted here: unshare --mount is refused")
@pytest.mark.parametrize(
    ("command", "disk", "words"),
    [
        ("compare", "size=48k", "No space left on device"),
        ("compare", "ro", "Read-only file system"),
        ("spectrum", "size=48k", "No space left on device"),
        ("sweep", "size=48k", "No space left on device"),
    ],
)
def test_a_disk_that_refuses_is_told_in_one_sentence(
    tmp_path: Path, command: str, disk: str, words: str
) -> None:
    sets = {side: make.write_set(tmp_path / side, shift=10 * place, height=96, width=96)
            for place, side in enumerate(("real", "before", "after"))}  # fmt: skip
    place = tmp_path / "disk"
    place.mkdir()
    copy = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)"
    arguments = {
        "compare": ["compare", *(f"--{side}={path}" for side, path in sets.items()), "--no-download"],
        "spectrum": ["spectrum", sets["real"], "--bands"],
        "sweep": [
            "sweep",
            "--weights=1",
            "--seeds=0",
            "--",
            sys.executable,
            "-c",
            copy,
            sets["real"],
            "{out}",
        ],
    }[command]
    arguments.insert(1, f"--out={place / 'out'}")
    script = (
        'disk="$1"; options="$2"; shift 2; mount -t tmpfs -o "$options" none "$disk" || exit 99; '
        '"$@"; code=$?; find "$disk" -name "*.part"; exit $code'
    )
    ours = [sys.executable, "-c", "from ffl_plugin.cli import main; main()", *arguments]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", place, disk, *ours],
        capture_output=True,
        text=True,
        timeout=120,
    )
    refusal = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert refusal.startswith("Error: ")
    assert words in refusal
    assert list(place.iterdir()) == []


def test_weights_of_another_hash_are_neither_used_nor_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Answer:
        status_code = 200
        headers: ClassVar = {}

        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def raise_for_status(self) -> None:
            pass

        def iter_content(self, _: int) -> Iterator[bytes]:
            yield b"something else"

    monkeypatch.setattr("requests.get", lambda *_, **__: Answer())
    sets = make.good(tmp_path)
    code, _, stderr = answer(capfd, tmp_path, ["fid", sets["real"], sets["after"]])
    assert code == 1
    assert "returned 14 bytes with SHA-256" in stderr.splitlines()[-1]
    assert not list(Path(os.environ["FFL_CACHE"]).rglob("*.pth*"))
