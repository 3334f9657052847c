"""Trials as Ray tasks, on a real Ray cluster of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ffl_plugin.errors import FFLError
from ffl_plugin.sweep.engines import start_engine

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'ffl-plugin[ray]'")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Ray's own
    pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's"),
]

# Trains for as long as the file `wait` is there, unless the weight is 0.
TRAIN = """
import pathlib, sys, time
out, weight = pathlib.Path(sys.argv[1]), sys.argv[2]
print("started", flush=True)
while weight != "0" and pathlib.Path("wait").exists():
    time.sleep(0.05)
(out / "weight").write_text(weight)
sys.exit("out of memory" if weight == "2" else 0)
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No cluster or folder of the user's, no figures to Ray's makers, and Ray ended after each test."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(
        "RAY_TMPDIR", "/tmp"
    )  # its sockets take no long names, and nothing of it takes an umlaut
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    yield
    ray.shutdown()


def arguments(out: Path, weights: str) -> list[str]:
    return [
        sys.executable, "-c", "from ffl_plugin.cli import main; main()", "sweep", "--out", str(out),
        "--weights", weights, "--seeds", "0", "--engine", "ray", "--", sys.executable, "-c", TRAIN,
        "{out}", "{weight}",
    ]  # fmt: skip


def states(out: Path) -> dict[str, str]:
    return {
        path.parent.name: json.loads(path.read_text())["state"] for path in out.glob("trainings/*/trial.json")
    }


def test_trials_run_are_interrupted_and_go_on(tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    (tmp_path / "wait").touch()
    log = out / "trainings" / "weight-1-seed-0" / "log.txt"
    process = subprocess.Popen(
        arguments(out, "0,1"), cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    # Ray starts the two side by side, in any order.
    while not (log.exists() and "started" in log.read_text()) or states(out).get("weight-0-seed-0") != "done":
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 1
    assert "run the same command again" in stderr.splitlines()[-1]
    assert states(out) == {"weight-0-seed-0": "done", "weight-1-seed-0": "running"}

    (tmp_path / "wait").unlink()
    time.sleep(0.5)
    assert not list(out.glob("trainings/weight-1-seed-0/*/weight"))  # it was ended too, not left behind
    done = subprocess.run(arguments(out, "0,1,2"), cwd=tmp_path, capture_output=True, text=True)
    assert "2 trainings handed to Ray" in done.stderr
    assert "1 of 3 trainings failed" in done.stderr.splitlines()[-1]
    assert states(out) == {"weight-0-seed-0": "done", "weight-1-seed-0": "done", "weight-2-seed-0": "failed"}
    assert (out / "trainings" / "weight-1-seed-0" / "out" / "weight").read_text() == "1"
    assert (out / "trainings" / "weight-1-seed-0" / "interrupted-1").is_dir()


def test_a_training_that_asks_for_more_than_there_is_does_not_wait_for_ever(tmp_path: Path) -> None:
    with pytest.raises(FFLError, match="requests 10000; lower it with --engine-set num_cpus"):
        start_engine("ray", tmp_path, {"num_cpus": 10000})


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FFLError, match="cannot join"):
        start_engine("ray", tmp_path, {"address": "127.0.0.1:1"})


def test_a_cluster_that_ray_remembers_and_that_is_down_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its machine went down; Ray itself would try to join it for minutes."""
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # a short name: Ray's sockets lie below it
        monkeypatch.setenv("RAY_TMPDIR", folder)
        remembered = Path(folder) / "ray" / "ray_current_cluster"
        remembered.parent.mkdir()
        remembered.write_text("127.0.0.1:1")
        start_engine("ray", tmp_path, {})
        assert ray.is_initialized()
        ray.shutdown()
