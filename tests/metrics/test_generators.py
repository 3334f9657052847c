from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ffl_plugin.cli import main
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import generators, sample_generator

# A clone's documented interface in our own words: legacy.load_network_pkl(file)["G_ema"](z, c, ...).
LEGACY = """
import pickle

def load_network_pkl(file):
    return pickle.load(file)
"""
NETWORKS = """
import torch

class Generator(torch.nn.Module):
    z_dim = 4

    def __init__(self, c_dim=0):
        super().__init__()
        self.c_dim = c_dim
        self.gain = torch.nn.Parameter(torch.ones(1))

    def forward(self, z, c, force_fp32=False):
        grain = torch.rand(1, 3, 8, 8)
        classes = (c * torch.arange(self.c_dim) / 10).sum(dim=1)[:, None, None, None]
        return (self.gain * z[:, :3, None, None].float().tanh() * grain + classes).clamp(-1, 1)
"""
WRITE = """
import pickle, sys
sys.path.insert(0, "")
import networks
for name, classes in (("network.pkl", 0), ("labelled.pkl", 3)):
    with open(name, "wb") as file:
        pickle.dump({"G_ema": networks.Generator(classes)}, file)
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    (folder / "legacy.py").write_text(LEGACY)
    (folder / "networks.py").write_text(NETWORKS)
    subprocess.run([sys.executable, "-c", WRITE], cwd=folder, check=True)
    return folder


def test_a_network_is_sampled_in_its_clone_and_resumed(clone: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    first = sample_generator(
        clone / "network.pkl", clone, count=3, cache=tmp_path / "c", progress=lambda *step: steps.append(step)
    )
    assert first.names == ("seed00000000.png", "seed00000001.png", "seed00000002.png")
    images = [first.read(index) for index in range(3)]
    assert images[0].shape == (8, 8, 3)
    assert not np.array_equal(images[0], images[1])
    assert steps[-1] == (3, 3, "sampling")
    assert "networks" not in sys.modules
    (first.path / "seed00000001.png").unlink()
    kept = (first.path / "seed00000000.png").stat().st_mtime_ns
    again = sample_generator(clone / "network.pkl", clone, count=3, cache=tmp_path / "c")
    assert all(np.array_equal(again.read(index), images[index]) for index in range(3))
    assert (first.path / "seed00000000.png").stat().st_mtime_ns == kept


def test_a_complete_sample_needs_no_process(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_generator(clone / "labelled.pkl", clone, count=2, cache=tmp_path / "c")
    monkeypatch.setattr(subprocess, "Popen", None)
    assert len(sample_generator(clone / "labelled.pkl", clone, count=1, cache=tmp_path / "c")) == 1


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os._exit, ("3",))


def test_what_cannot_be_sampled_is_told_in_one_sentence(clone: Path, tmp_path: Path) -> None:
    (clone / "broken.pkl").write_bytes(pickle.dumps({"D": 1}))
    (clone / "evil.pkl").write_bytes(pickle.dumps(Payload()))
    cases = {
        "absent.pkl": (clone, 1, r"absent\.pkl does not exist"),
        "network.pkl": (tmp_path, 1, r"has no legacy\.py"),
        "labelled.pkl": (clone, 0, "at least 1, not 0"),
        "broken.pkl": (clone, 1, r"could not sample .*KeyError: 'G_ema'"),
        "evil.pkl": (clone, 1, "could not sample"),
    }
    for name, (repository, count, message) in cases.items():
        with pytest.raises(FFLError, match=message) as caught:
            sample_generator(clone / name, repository, count=count, cache=tmp_path / "c")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        ("ModuleNotFoundError: No module named 'numpy._core'", "saved under numpy 2; install numpy 1.26.1"),
        (
            "ModuleNotFoundError: No module named 'pkg_resources'",
            "`ffl-patch apply auto {clone} --with torch2`",
        ),
        ("ModuleNotFoundError: No module named 'distutils'", "`ffl-patch apply auto {clone} --with torch2`"),
        ("ModuleNotFoundError: No module named 'dill'", "install the missing module"),
        (
            "RuntimeError: Attempting to deserialize object on a CUDA device but "
            "torch.cuda.is_available() is False.",
            "sample it on a machine with one",
        ),
    ],
)
def test_what_older_and_newer_environments_say_has_a_way_out(tmp_path: Path, said: str, way_out: str) -> None:
    kind, _, words = said.partition(": ")
    (tmp_path / "legacy.py").write_text(f"raise {kind}({words!r})\n")
    (tmp_path / "network.pkl").write_bytes(b"")
    with pytest.raises(FFLError, match="could not sample") as caught:
        sample_generator(tmp_path / "network.pkl", tmp_path, count=1, cache=tmp_path / "c")
    assert said in str(caught.value)
    assert way_out.format(clone=tmp_path) in str(caught.value)


def test_what_one_kind_of_device_drew_is_not_taken_for_another(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same seed gives other images on a GPU: they must not be mixed in one comparison."""
    runs: list[Path] = []
    monkeypatch.setattr(generators, "_run", lambda network, clone, folder, *rest: runs.append(folder))
    for device in ("cpu", "meta", "cpu"):
        sample_generator(clone / "network.pkl", clone, count=1, cache=tmp_path / "c", device=device)
    assert runs[0] == runs[2] != runs[1]


def test_the_first_images_do_not_depend_on_how_many_follow(clone: Path, tmp_path: Path) -> None:
    few, many = (
        sample_generator(clone / "labelled.pkl", clone, count=count, cache=tmp_path / str(count))
        for count in (3, 11)
    )
    assert all(np.array_equal(few.read(index), many.read(index)) for index in range(3))
    assert few.read(0).std() > 1
    assert len(many) == 11


def test_networks_are_compared_on_the_same_seeds(
    clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = sample_generator(clone / "network.pkl", clone, count=8, cache=tmp_path / "real").path
    with pytest.raises(SystemExit) as stopped:
        main([
            "compare", "--real", str(real), "--before", str(clone / "network.pkl"),
            "--after", str(clone / "labelled.pkl"), "--clone", str(clone), "--samples", "8",
            "--no-download", "--json",
        ])  # fmt: skip
    assert not stopped.value.code
    found = json.loads(capsys.readouterr().out)
    assert [side[0]["images"] for side in (found["before"], found["after"])] == [8, 8]
    # Before is what the "real" images were sampled from, with the same seeds.
    rows = {row["metric"]: row for row in found["rows"]}
    assert rows["profile_distance"]["before"] == pytest.approx(0, abs=1e-9)
    assert rows["profile_distance"]["after"] > 0
    assert found["notes"] == []
    assert "networks" not in sys.modules


def test_a_network_without_its_clone_is_not_compared(
    clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clone / "evil.pkl").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "--real", str(tmp_path), "--before", str(clone / "evil.pkl"), "--after", "b.pkl"])
    assert stopped.value.code == 1
    assert "is a network; pass the clone that samples it with --clone" in capsys.readouterr().err


def test_a_stopped_command_stops_the_sampling(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(KeyboardInterrupt):
        pass

    def stop(done: int, total: int, what: str) -> None:
        raise Stop

    started = []

    def keep(
        *arguments: Any, popen: type[subprocess.Popen[bytes]] = subprocess.Popen, **settings: Any
    ) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **settings))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", keep)
    with pytest.raises(Stop):
        sample_generator(clone / "network.pkl", clone, count=10**6, cache=tmp_path, progress=stop)
    process, _ = started  # and the watch that ends it if we are killed
    assert process.wait() != 0
    (folder,) = (tmp_path / "samples").iterdir()
    assert len(list(folder.glob("seed*.png"))) >= 8


@pytest.mark.upstream
@pytest.mark.skipif("FFL_STYLEGAN2_ADA" not in os.environ, reason="FFL_STYLEGAN2_ADA names no clone")
def test_the_real_stylegan2_ada_is_sampled(tmp_path: Path) -> None:
    clone = Path(os.environ["FFL_STYLEGAN2_ADA"])
    network = tmp_path / "network.pkl"
    make = (
        "import pickle, sys; sys.path.insert(0, ''); from training.networks import Generator\n"
        "options = dict(mapping_kwargs={'num_layers': 2}, synthesis_kwargs={'channel_max': 16})\n"
        "G = Generator(z_dim=8, c_dim=0, w_dim=8, img_resolution=32, img_channels=3, **options).eval()\n"
        "data = dict(G=G, D=G, G_ema=G, training_set_kwargs=None, augment_pipe=None)\n"
        f"pickle.dump(data, open({str(network)!r}, 'wb'))"
    )
    subprocess.run([sys.executable, "-B", "-c", make], cwd=clone, check=True)
    source = sample_generator(network, clone, count=2, cache=tmp_path / "c")
    assert source.read(1).shape == (32, 32, 3)
    assert not np.array_equal(source.read(0), source.read(1))
