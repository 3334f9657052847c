from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ffl_plugin import metrics
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import evaluation
from ffl_plugin.metrics.feature_choice import FeatureChoice
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.reproduce import network_files, scores
from ffl_plugin.reproduce.network_files import FID_AND_IS, LPIPS
from ffl_plugin.reproduce.perceptual_loss import PERCEPTUAL_LOSS

WEIGHTS = metrics.Weights(Path("none"), "0" * 64, False)


def silent(done: int, total: int, what: str) -> None:
    pass


def write_pairs(folder: Path, count: int = 2) -> None:
    rng = np.random.default_rng(0)
    for side in ("fake", "real"):
        (folder / side).mkdir()
        for index in range(count):
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / side / f"{index}.png")


def test_missing_weights_are_asked_for_by_variable() -> None:
    """And not by an option, which ``reproduce`` does not have."""
    assert PERCEPTUAL_LOSS.remark() == (
        "The perceptual loss: omitted, the VGG16 weights are not available; download "
        "https://download.pytorch.org/models/vgg16-397923af.pth elsewhere and name it in the environment "
        "variable FFL_VGG16."
    )
    assert network_files.hashes((PERCEPTUAL_LOSS, LPIPS)) == {"VGG16 weights": None, "AlexNet weights": None}
    assert not any(" --" in network.remark() for network in (LPIPS, FID_AND_IS))


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


def pairs_of(fake: Path, real: Path) -> scores.Scores:
    return scores.measure(fake, real, scores.OF_RECONSTRUCTIONS, silent)


def test_lpips_is_not_measured_without_its_network(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    found = pairs_of(tmp_path / "fake", tmp_path / "real")
    assert found["lpips"] is None
    assert found["psnr"] > 0
    assert "alexnet-owt-7be5be79.pth" in LPIPS.remark()


def test_lpips_runs_the_package_on_the_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With drawn weights in AlexNet's place: equal images are at distance 0, others are not."""
    write_pairs(tmp_path)
    import_torchvision()
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.alexnet().state_dict(), tmp_path / "alexnet.pth")
    monkeypatch.setenv("FFL_LPIPS", str(tmp_path / "alexnet.pth"))
    shutil.copytree(tmp_path / "real", tmp_path / "same")
    assert pairs_of(tmp_path / "fake", tmp_path / "real")["lpips"] > 0
    same = pairs_of(tmp_path / "same", tmp_path / "real")
    assert same["lpips"] == pytest.approx(0, abs=1e-6)
    assert same["psnr"] is None


def test_fid_is_not_measured_without_its_network(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    found = scores.measure(tmp_path / "fake", tmp_path / "real", scores.OF_SETS, silent)
    assert list(found) == list(scores.OF_SETS)
    assert found["fid"] is found["is"] is None
    assert found["profile"] > 0 and found["high"] > 0 and found["mean spectrum"] > 0
    assert "pt_inception-2015-12-05-6726825d.pth" in FID_AND_IS.remark()


def features(images: metrics.ImageSource) -> metrics.Features:
    """Features that depend on the images, as many as of Inception, with the logits."""
    rng = np.random.default_rng(int(np.sum(images.read(0))))
    rows = rng.normal(size=(len(images), 2048 + 1008)).astype(np.float32)
    protocol = metrics.find_protocol("pytorch-fid")
    return metrics.Features(tuple(images.names), protocol, WEIGHTS, (rows,))


def test_fid_and_is_are_those_of_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right folders go to the right places, without the network."""
    write_pairs(tmp_path, 10)
    (tmp_path / "inception.pth").write_bytes(b"weights")
    monkeypatch.setenv("FFL_INCEPTION", str(tmp_path / "inception.pth"))

    def features_of(
        given: tuple[metrics.ImageSource, ...], choice: FeatureChoice, **settings: Any
    ) -> tuple[list[metrics.Features], list[str]]:
        """Stand in for the network: features that depend on the images; the protocol is the paper's."""
        assert (choice.network, choice.protocol) == ("inception", "pytorch-fid")
        assert settings["may_download"] is False
        return [features(one) for one in given], []

    monkeypatch.setattr(evaluation, "features_of", features_of)
    real, fake = tmp_path / "real", tmp_path / "fake"
    found = scores.measure(fake, real, scores.OF_SETS, silent)
    reals, fakes = (features(metrics.open_images(one)) for one in (real, fake))
    assert found["fid"] == metrics.fid(reals, fakes).value > 0
    assert found["is"] == metrics.inception_score(fakes).value
    of_pairs = pairs_of(fake, real)
    assert of_pairs["fid"] == found["fid"]
    assert "is" not in of_pairs
