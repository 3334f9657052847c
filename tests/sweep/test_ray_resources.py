"""What a training requests of a Ray cluster, whose resources stand here in place of Ray."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from ffl_plugin.errors import FFLError
from ffl_plugin.sweep.engines import Settings
from ffl_plugin.sweep.ray import start


class Cluster(ModuleType):
    """A cluster with these resources, which notes by which address it was joined."""

    def __init__(self, **resources: float) -> None:
        super().__init__("ray")
        self.resources, self.joined = resources, list[object]()

    def init(self, address: object, **options: object) -> None:
        self.joined.append(address)

    def cluster_resources(self) -> dict[str, float]:
        return self.resources


@pytest.mark.parametrize(
    ("resources", "settings", "needs"),
    [
        ({"CPU": 1.0}, {}, {"num_cpus": 1, "num_gpus": 0}),
        ({"CPU": 8.0, "GPU": 2.0}, {}, {"num_cpus": 1, "num_gpus": 1}),
        ({"CPU": 8.0, "GPU": 2.0}, {"num_gpus": 0}, {"num_cpus": 1, "num_gpus": 0}),
        ({"CPU": 8.0, "memory": 9.0}, {"memory": 9}, {"num_cpus": 1, "num_gpus": 0, "memory": 9}),
    ],
    ids=["no GPU", "a GPU", "no GPU wanted", "all there is"],
)
def test_a_training_requests_a_cpu_and_a_gpu_if_there_is_one(
    resources: dict[str, float],
    settings: Settings,
    needs: dict[str, float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", Cluster(**resources))
    assert start(tmp_path, settings).needs == needs


@pytest.mark.parametrize("name", ["num_cpus", "num_gpus", "memory"])
def test_more_than_the_cluster_has_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", Cluster(CPU=2.0, GPU=2.0, memory=2.0))
    with pytest.raises(FFLError, match=f"requests 3; lower it with --engine-set {name}="):
        start(tmp_path, {name: 3})


def test_the_address_given_comes_before_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(CPU=1.0)
    monkeypatch.setitem(sys.modules, "ray", cluster)
    monkeypatch.setenv("RAY_ADDRESS", "of-the-environment")
    start(tmp_path, {})
    start(tmp_path, {"address": "given"})
    assert cluster.joined == ["of-the-environment", "given"]
