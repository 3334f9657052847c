from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Optional

import numpy as np
import pytest
import torch
from PIL import Image

from ffl_plugin import metrics
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.reproduce import network_files, scores
from ffl_plugin.reproduce.network_files import FID_AND_IS, LPIPS, PERCEPTUAL_LOSS


def silent(done: int, total: int, what: str) -> None:
    pass


def write_pairs(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for side in ("fake", "real"):
        (folder / side).mkdir()
        for index in range(2):
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / side / f"{index}.png")


def test_missing_weights_are_asked_for_by_variable() -> None:
    """And not by an option, which ``reproduce`` does not have."""
    assert PERCEPTUAL_LOSS.remark() == (
        "The perceptual loss: omitted, the VGG16 weights are not available; download "
        "https://download.pytorch.org/models/vgg16-397923af.pth elsewhere and name it in the environment "
        "variable FFL_VGG16."
    )
    assert network_files.hashes((PERCEPTUAL_LOSS, LPIPS)) == {"VGG16 weights": None, "AlexNet weights": None}
    assert not any(" --" in network.remark() for network in (LPIPS, FID_AND_IS, network_files.SPADE_LOSS))


def test_a_named_file_is_told_from_the_published_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.pth"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setenv("FFL_VGG16", str(file))
    assert network_files.hashes((PERCEPTUAL_LOSS,)) == {"VGG16 weights": digest}
    assert PERCEPTUAL_LOSS.remark() == (
        f"The perceptual loss: VGG16 from mine.pth (SHA-256 {digest[:8]}), not the published "
        "vgg16-397923af.pth: only comparable with numbers of this file."
    )
    published = replace(PERCEPTUAL_LOSS, release=replace(PERCEPTUAL_LOSS.release, sha256=digest[:8]))
    assert published.remark().endswith(f"(SHA-256 {digest[:8]}), the published file.")


def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFL_VGG16", str(tmp_path / "absent.pth"))
    with pytest.raises(
        FFLError, match=r"absent\.pth does not exist; pass the file vgg16-397923af\.pth, from"
    ):
        PERCEPTUAL_LOSS.find()


def test_lpips_is_not_measured_without_its_network(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    assert scores.pair_scores(tmp_path / "fake", tmp_path / "real", silent)["lpips"] is None
    assert "alexnet-owt-7be5be79.pth" in LPIPS.remark()


def test_lpips_runs_the_package_on_the_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With drawn weights in AlexNet's place: equal images are at distance 0, others are not."""
    write_pairs(tmp_path)
    import_torchvision()
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.alexnet().state_dict(), tmp_path / "alexnet.pth")
    monkeypatch.setenv("FFL_LPIPS", str(tmp_path / "alexnet.pth"))
    real = tmp_path / "real"
    assert scores.pair_scores(tmp_path / "fake", real, silent)["lpips"] > 0
    assert scores.pair_scores(real, real, silent)["lpips"] == pytest.approx(0, abs=1e-6)


def test_fid_is_not_measured_without_its_network(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    found = scores.set_scores(tmp_path / "fake", tmp_path / "real", silent)
    assert found["fid"] is found["is"] is None
    assert "pt_inception-2015-12-05-6726825d.pth" in FID_AND_IS.remark()


def test_fid_and_is_are_those_of_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right folders go to the right places, without the network."""
    write_pairs(tmp_path)
    (tmp_path / "inception.pth").write_bytes(b"weights")
    monkeypatch.setenv("FFL_INCEPTION", str(tmp_path / "inception.pth"))
    monkeypatch.setattr(metrics.Extractor, "extract", extract_pixels)
    monkeypatch.setattr(scores, "_extractor", lambda weights: metrics.Extractor(None, device="cpu"))
    monkeypatch.setattr(metrics, "fid", lambda real, fake: SimpleNamespace(value=abs(real - fake)))
    monkeypatch.setattr(metrics, "inception_score", lambda fake: SimpleNamespace(value=fake))
    same = scores.set_scores(tmp_path / "real", tmp_path / "real", silent)
    other = scores.set_scores(tmp_path / "fake", tmp_path / "real", silent)
    assert same["fid"] == 0 < other["fid"]
    assert same["is"] != other["is"]


def extract_pixels(
    self: object,
    source: metrics.ImageSource,
    protocol: metrics.Protocol,
    *,
    cache: Optional[Path] = None,
    progress: object = None,
) -> float:
    """Stand in for the network: one number that depends on the images; the protocol is the paper's."""
    assert protocol.name == "pytorch-fid"
    return float(np.mean([source.read(index) for index in range(len(source))]))
