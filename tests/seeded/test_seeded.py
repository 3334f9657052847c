"""`python -m ffl_plugin.seeded`: the same numbers twice, and the script as if started itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import random, sys
import numpy, torch
import beside
print(sys.argv, __name__, beside.name)
print(random.random(), numpy.random.rand(), torch.rand(()).item(), torch.get_num_threads())
"""


def seeded(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ffl_plugin.seeded", *arguments]
    return subprocess.run(command, cwd=folder, env={**os.environ}, capture_output=True, text=True)


def test_a_script_in_another_folder(tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone/train.py").write_text(SCRIPT)
    (tmp_path / "clone/beside.py").write_text("name = 'a neighbour'")
    first, again, other = (
        seeded(tmp_path, seed, "clone/train.py", "--name", "run").stdout.splitlines()
        for seed in ("1", "1", "2")
    )
    assert first[0] == "['clone/train.py', '--name', 'run'] __main__ a neighbour"
    assert first == again != other
    assert all(one != two for one, two in zip(first[1].split()[:3], other[1].split()[:3]))
    assert first[1].endswith(" 1")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: SEED, SCRIPT"),
        (["train.py"], "train.py is not an integer from 0 to 4294967295"),
        (["-1", "train.py"], "-1 is not an integer from 0 to 4294967295"),
        (["4294967296", "train.py"], "4294967296 is not an integer from 0 to 4294967295"),
        (["0", "train.py"], "train.py is not a file"),
    ],
    ids=str,
)
def test_wrong_usage(
    arguments: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    from ffl_plugin.seeded import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["seeded", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err
