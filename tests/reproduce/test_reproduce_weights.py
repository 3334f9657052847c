from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from ffl_plugin import metrics
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.reproduce import learned
from ffl_plugin.reproduce.weights import VGG16, TorchvisionWeights


def silent(done: int, total: int, what: str) -> None:
    pass


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("FFL_INCEPTION", raising=False)
    monkeypatch.delenv("FFL_LPIPS", raising=False)
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    caches = (learned.lpips_missing, learned._lpips, learned.inception_missing, learned._extractor)
    for function in caches:
        function.cache_clear()
    yield
    for function in caches:
        function.cache_clear()


def write_pairs(folder):
    rng = np.random.default_rng(0)
    for side in ("fake", "real"):
        (folder / side).mkdir()
        for index in range(2):
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / side / f"{index}.png")
    return metrics.open_pairs(folder / "fake", folder / "real")


def test_weights_are_asked_for_and_damaged_ones_refused():
    sentence = VGG16.missing("The perceptual loss")
    assert sentence.startswith("The perceptual loss was left out: it needs vgg16-397923af.pth; save https://")
    assert str(VGG16.path) in sentence
    VGG16.path.parent.mkdir(parents=True)
    VGG16.path.write_bytes(b"half a download")
    assert "is damaged" in VGG16.missing("The perceptual loss")


def test_whole_weights_are_accepted():
    content = b"weights"
    whole = TorchvisionWeights(f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth")
    whole.path.parent.mkdir(parents=True)
    whole.path.write_bytes(content)
    assert whole.missing("It") is None


def test_lpips_is_not_measured_without_its_network(tmp_path):
    assert learned.measure_lpips(write_pairs(tmp_path), silent) is None
    assert "alexnet-owt-7be5be79.pth" in learned.lpips_missing()


def test_lpips_runs_the_package_on_the_pairs(tmp_path, monkeypatch):
    """With drawn weights in AlexNet's place: equal images are at distance 0, others are not."""
    pairs = write_pairs(tmp_path)
    import_torchvision()
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.alexnet().state_dict(), tmp_path / "alexnet.pth")
    monkeypatch.setenv("FFL_LPIPS", str(tmp_path / "alexnet.pth"))
    assert learned.lpips_missing() is None
    assert learned.measure_lpips(pairs, silent) > 0
    same = metrics.open_pairs(tmp_path / "real", tmp_path / "real")
    assert learned.measure_lpips(same, silent) == pytest.approx(0, abs=1e-6)


def test_fid_is_not_measured_without_its_network(tmp_path):
    write_pairs(tmp_path)
    scores = learned.measure_inception(tmp_path / "fake", tmp_path / "real", silent)
    assert scores == {"fid": None, "is": None}
    assert "pt_inception-2015-12-05-6726825d.pth" in learned.inception_missing()


def test_fid_and_is_are_those_of_the_metrics(tmp_path, monkeypatch):
    """The right folders go to the right places, without the network."""
    write_pairs(tmp_path)
    monkeypatch.setattr(learned, "inception_missing", lambda: None)
    monkeypatch.setattr(metrics.Extractor, "extract", extract_pixels)
    monkeypatch.setattr(learned, "_extractor", lambda: metrics.Extractor(None, device="cpu"))
    monkeypatch.setattr(metrics, "fid", lambda real, fake: SimpleNamespace(value=abs(real - fake)))
    monkeypatch.setattr(metrics, "inception_score", lambda fake: SimpleNamespace(value=fake))
    same = learned.measure_inception(tmp_path / "real", tmp_path / "real", silent)
    other = learned.measure_inception(tmp_path / "fake", tmp_path / "real", silent)
    assert same["fid"] == 0 < other["fid"]
    assert same["is"] != other["is"]


def extract_pixels(self, source, protocol, *, cache=None, progress=None):
    """Stand in for the network: one number that depends on the images; the protocol is the paper's."""
    assert protocol.name == "pytorch-fid"
    return float(np.mean([source.read(index) for index in range(len(source))]))
