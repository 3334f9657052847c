"""Sweeps on a real SLURM of one node and a real Ray of two: jobs killed, out of time, on a lost node.

Opt-in, for they take minutes and the programs of SLURM:

    apt-get install slurm-wlm munge; pip install '.[slurm,ray]'
    FFL_REAL_ENGINES=1 python -m pytest tests/sweep/test_real_engines.py
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slurm_node import missing, one_node

MISSING = [name for name in ("submitit", "ray") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        os.environ.get("FFL_REAL_ENGINES") != "1",
        reason="a real SLURM and Ray are opt-in: FFL_REAL_ENGINES=1",
    ),
]

# A training in StyleGAN's manner, with a worker of its own. It goes on while its `hold` file is there.
# Its FID falls with the weight.
TRAIN = """
import json, os, pathlib, subprocess, sys, time
out, weight, seed = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
print("processes", os.getpid(), worker.pid, flush=True)
while pathlib.Path(f"hold-{weight}-{seed}").exists():
    time.sleep(0.1)
worker.kill()
worker.wait()
run = out / "00000-faces"
run.mkdir()
options = {"random_seed": int(seed), "loss_kwargs": {"ffl_options": {"weight": float(weight)}}}
(run / "training_options.json").write_text(json.dumps(options))
with (run / "metric-fid50k_full.jsonl").open("w") as log:
    for kimg, factor in ((0, 5), (200, 1)):
        fid = (50 - 10 * float(weight) + int(seed)) * factor
        line = {"results": {"fid50k_full": fid}, "snapshot_pkl": f"network-snapshot-{kimg:06d}.pkl"}
        print(json.dumps(line), file=log)
"""
WEIGHTS, SEEDS = (0, 1, 2), (0, 1)


class Sweep:
    """A sweep of the training above in a folder, and what its files say."""

    def __init__(self, folder: Path, *engine: str, prefix: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.out = folder / "sweep"
        (folder / "train.py").write_text(TRAIN)
        self.command = [
            sys.executable, "-c", "from ffl_plugin.cli import main; main()", "sweep", "--out", str(self.out),
            "--weights", "0,1,2", "--seeds", "0,1", "--json", *engine,
            "--", *prefix, sys.executable, "train.py", "{out}", "{weight}", "{seed}",
        ]  # fmt: skip

    def hold(self, *trials: tuple[int, int]) -> None:
        for path in self.folder.glob("hold-*"):
            path.unlink()
        for weight, seed in trials:
            (self.folder / f"hold-{weight}-{seed}").touch()

    @contextlib.contextmanager
    def running(self, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        """The command under way; it is ended with the block."""
        with (self.folder / "stdout").open("w+") as out, (self.folder / "stderr").open("w+") as err:
            process = subprocess.Popen(self.command, cwd=self.folder, env=environment, stdout=out, stderr=err)
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(120)

    def log(self, weight: int, seed: int) -> str:
        path = self.out / "trainings" / f"weight-{weight}-seed-{seed}" / "log.txt"
        return path.read_text() if path.exists() else ""

    def processes(self, weight: int, seed: int) -> tuple[int, ...]:
        """Of the last attempt: the training and its worker."""
        found = re.findall(r"^processes (\d+) (\d+)$", self.log(weight, seed), re.M)
        return tuple(map(int, found[-1])) if found else ()

    def all_processes(self) -> list[int]:
        return [number for weight in WEIGHTS for seed in SEEDS for number in self.processes(weight, seed)]

    def report(self) -> dict[str, Any]:
        return json.loads((self.folder / "stdout").read_text())

    def trials(self) -> dict[tuple[float, int], dict[str, Any]]:
        return {(trial["weight"], trial["seed"]): trial for trial in self.report()["trials"]}


def alive(numbers: Iterable[int]) -> list[int]:
    found = []
    for number in numbers:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(number)
    return found


def wait_for(
    true: Callable[[], object],
    what: str,
    process: subprocess.Popen[bytes] | None = None,
    timeout: float = 300,
) -> None:
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        assert process is None or process.poll() is None, f"the command ended before {what}"
        time.sleep(0.5)


def parent(number: int) -> int:
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.skipif(bool(missing()), reason=f"not installed, apt-get install slurm-wlm munge: {missing()}")
@pytest.mark.skipif("submitit" in MISSING, reason="not installed, pip install submitit")
def test_slurm(tmp_path: Path) -> None:
    with one_node(tmp_path / "slurm") as node:
        sweep = Sweep(tmp_path, "--engine", "slurm", "--engine-set", "timeout_min=1")
        sweep.hold((1, 0), (2, 0))
        with sweep.running(node.environment) as command:
            wait_for(lambda: sweep.processes(1, 0), "weight 1 to train", command)
            job = json.loads((sweep.out / "trainings" / "weight-1-seed-0" / "job.json").read_text())["job"]
            node.ask("scancel", job)
            assert command.wait(600) == 1
        trials = sweep.trials()
        failed = {which for which, trial in trials.items() if trial["state"] == "failed"}
        assert failed == {(1, 0), (2, 0)}
        assert {trial["state"] for which, trial in trials.items() if which not in failed} == {"done"}
        assert f"job {job} is CANCELLED" in trials[1, 0]["why"]
        assert "is TIMEOUT" in trials[2, 0]["why"]
        assert trials[2, 0]["why"] in sweep.log(2, 0)
        told = (tmp_path / "stderr").read_text()
        assert "2 of 6 trainings failed" in told.splitlines()[-1]
        assert "sacct" not in told  # which answers with errors on a cluster without accounting
        assert not alive(sweep.all_processes())

        # Once more, and the node is lost under the one that is held: SLURM starts it again when it is back.
        sweep.hold((2, 0))
        lost = sweep.processes(2, 0)
        with sweep.running(node.environment) as command:
            wait_for(lambda: sweep.processes(2, 0) != lost, "weight 2 to train again", command)
            lost = sweep.processes(2, 0)
            node.lose()
            wait_for(
                lambda: "PENDING" in node.ask("squeue", "--noheader", "--format=%T"), "the loss", command
            )
            assert not alive(lost)
            sweep.hold()
            node.start()
            assert command.wait(900) == 0
        assert {trial["state"] for trial in sweep.trials().values()} == {"done"}
        assert sweep.report()["best"] == 2
        assert len(list((sweep.out / "trainings" / "weight-2-seed-0").glob("interrupted-*"))) == 2
        assert not alive(sweep.all_processes())


@contextlib.contextmanager
def ray_nodes(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], dict[str, str]]]:
    """A Ray of a head and a second node, two CPUs each; the address, and the second node's process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = dict(os.environ, RAY_USAGE_STATS_ENABLED="0", HOME=str(folder))
    command = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--block"]
    command += ["--num-cpus=2", "--disable-usage-stats"]
    # A folder of its own, or Ray would remember this cluster; with a short name, for its sockets.
    own = tempfile.mkdtemp(prefix="ray")
    head = [*command, "--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={own}"]
    nodes = []
    with (folder / "ray.log").open("wb") as log:
        try:
            for each in (head, [*command, f"--address=127.0.0.1:{port}"]):
                nodes.append(
                    subprocess.Popen(
                        each, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
                    )
                )
                text = (folder / "ray.log").read_text
                count = len(nodes)
                wait_for(lambda: text().count("Ray runtime started") == count, "Ray", nodes[-1])  # noqa: B023
            yield f"127.0.0.1:{port}", nodes[1], environment
        finally:
            for node in reversed(nodes):
                if node.poll() is None:
                    node.terminate()
                    node.wait(120)
            shutil.rmtree(own, ignore_errors=True)


@pytest.mark.skipif("ray" in MISSING, reason="not installed, pip install ray")
def test_ray(tmp_path: Path) -> None:
    with ray_nodes(tmp_path) as (address, second, environment):
        sweep = Sweep(
            tmp_path, "--engine", "ray", "--engine-set", f"address={address}", prefix=("timeout", "120")
        )
        held = [(1, 0), (2, 0), (1, 1), (2, 1)]
        sweep.hold(*held)

        def node_of(trial: tuple[int, int]) -> int:
            """The process of a node that a training runs below."""
            number = sweep.processes(*trial)[0]
            while number not in (second.pid, 1):
                number = parent(number)
            return number

        with sweep.running(environment) as command:
            wait_for(lambda: all(sweep.processes(*trial) for trial in held), "four trainings", command)
            on_second = [trial for trial in held if node_of(trial) == second.pid]
            killed, late = [trial for trial in held if trial not in on_second]
            worker = parent(parent(sweep.processes(*killed)[0]))  # above `timeout`
            os.kill(worker, signal.SIGKILL)
            os.killpg(second.pid, signal.SIGKILL)
            assert command.wait(600) == 1
        trials = sweep.trials()
        assert {which for which, trial in trials.items() if trial["state"] == "failed"} == set(held)
        assert {trials[0, 0]["state"], trials[0, 1]["state"]} == {"done"}
        assert "WorkerCrashedError" in trials[killed]["why"]
        assert all(trials[trial]["why"].startswith("lost by Ray") for trial in on_second)
        assert trials[late]["why"] == ""
        record = json.loads(Path(trials[late]["log"]).with_name("trial.json").read_text())
        assert record["exit_code"] == 124  # what `timeout` says
        assert "4 of 6 trainings failed" in (tmp_path / "stderr").read_text().splitlines()[-1]
        wait_for(lambda: not alive(sweep.all_processes()), "the end of what was lost", timeout=60)

        sweep.hold()
        with sweep.running(environment) as command:
            assert command.wait(600) == 0
        assert {trial["state"] for trial in sweep.trials().values()} == {"done"}
        assert sweep.report()["best"] == 2
        assert not alive(sweep.all_processes())
