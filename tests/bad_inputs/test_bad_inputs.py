"""Bad input ends in one sentence with the right exit code; nothing is executed, extracted or overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cases import MISUSED, REFUSED

from ffl_plugin.cli import main


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's cache, nor the weights that the user has."""
    monkeypatch.setenv("FFL_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("FFL_INCEPTION", raising=False)


def snapshot(folder):
    """Everything below a folder: kind, mode and content of each entry."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            content = path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes()
            found[str(path)] = (path.lstat().st_mode, content)
    return found


def answer(capfd, folder, arguments):
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
def test_bad_input_is_refused_in_one_sentence(kind, tmp_path, capfd):
    arguments, words = REFUSED[kind]
    code, stdout, stderr = answer(capfd, tmp_path, arguments(tmp_path))
    assert (code, stdout) == (1, "")
    assert len(stderr.splitlines()) == 1, stderr
    assert stderr.startswith("Error: ")
    assert words in stderr


@pytest.mark.parametrize("kind", MISUSED)
def test_misuse_is_told_with_exit_code_2(kind, tmp_path, capfd):
    arguments, words = MISUSED[kind]
    code, stdout, stderr = answer(capfd, tmp_path, arguments(tmp_path))
    assert (code, stdout) == (2, "")
    assert stderr.splitlines()[-1].startswith("Error: ")
    assert words in stderr.splitlines()[-1]
