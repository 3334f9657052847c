from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import picture, save

from ffl_plugin.cli import main
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import Lpips, find_lpips, find_weights, measure_pairs, open_pairs
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import ALEXNET, Weights, WeightsMissing


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """AlexNet with drawn weights, under torchvision's names; the published ones are too large to ship."""
    import_torchvision()
    import torchvision

    torch.manual_seed(0)
    state = torchvision.models.alexnet().state_dict()
    path = tmp_path_factory.mktemp("alexnet") / "alexnet.pth"
    torch.save({name: tensor for name, tensor in state.items() if name.startswith("features.")}, path)
    return find_weights(path, release=ALEXNET)


def by_the_package(weights: Weights, pred: np.ndarray, target: np.ndarray) -> float:
    """The package's own model, with the official repository's steps from pixels to its input."""
    import lpips
    from torchvision import transforms

    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    state = torch.load(weights.path, weights_only=True)
    slices = [model.net.slice1, model.net.slice2, model.net.slice3, model.net.slice4, model.net.slice5]
    for part in slices:
        for number, module in part.named_children():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.data = state[f"features.{number}.weight"]
                module.bias.data = state[f"features.{number}.bias"]
    with torch.no_grad():
        return float(model(*(steps(image).unsqueeze(0) for image in (pred, target))))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (31, 47)])
def test_equals_the_package(alexnet: Weights, height: int, width: int) -> None:
    pred, target = picture(1, height, width), picture(2, height, width)
    network = Lpips(alexnet, device="cpu")
    assert network(pred, target) == pytest.approx(by_the_package(alexnet, pred, target), rel=1e-6)
    assert network(pred, target) > 1e-3
    assert network(pred.astype(float), pred.astype(float)) == 0


def test_pairs_are_scored_beside_the_other_metrics(alexnet: Weights, tmp_path: Path) -> None:
    for index in range(2):
        save(tmp_path / f"{index}_fake_B.png", picture(index, 40, 40))
        save(tmp_path / f"{index}_real_B.png", picture(index + 5, 40, 40))
    pairs = open_pairs(tmp_path)
    network = Lpips(alexnet)
    found = measure_pairs(pairs, lpips=network)
    assert list(found.scores) == ["psnr", "ssim", "lpips", "lfd", "mse"]
    expected = [network(picture(index, 40, 40), picture(index + 5, 40, 40)) for index in range(2)]
    assert found.scores["lpips"] == pytest.approx(expected, rel=1e-6)


def test_scores_of_other_weights_are_not_taken_from_the_cache(alexnet: Weights, tmp_path: Path) -> None:
    save(tmp_path / "0_fake_B.png", picture(0, 40, 40))
    save(tmp_path / "0_real_B.png", picture(5, 40, 40))
    state = torch.load(alexnet.path, weights_only=True)
    torch.save({name: tensor.flip(0) for name, tensor in state.items()}, tmp_path / "other.pth")
    other = find_weights(tmp_path / "other.pth", release=ALEXNET)
    for weights in (alexnet, other):
        network = Lpips(weights)
        found = measure_pairs(open_pairs(tmp_path), lpips=network, cache=tmp_path / "cache")
        expected = network(picture(0, 40, 40), picture(5, 40, 40))
        assert found.scores["lpips"] == pytest.approx([expected], rel=1e-6)


def test_images_too_small_for_the_network_are_refused(alexnet: Weights) -> None:
    with pytest.raises(FFLError, match="at least 31x31 pixels, not 64x30"):
        Lpips(alexnet)(picture(1, 30, 64), picture(2, 30, 64))


def test_missing_weights_are_one_sentence_with_the_way_out() -> None:
    network, notes = find_lpips(may_download=False)
    assert network is None
    (sentence,) = notes
    assert sentence.startswith(
        "LPIPS was not measured: the AlexNet weights are not available; download https://"
    )
    assert "the environment variable FFL_LPIPS, or with --lpips PATH of compare, fid and sweep" in sentence
    with pytest.raises(WeightsMissing, match="--lpips"):
        find_weights(release=ALEXNET, may_download=False)


def test_another_file_is_used_and_told(
    alexnet: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FFL_LPIPS", str(alexnet.path))
    network, notes = find_lpips(may_download=False)
    assert network is not None
    assert "is not torchvision's AlexNet file" in notes[0]
    assert alexnet.sha256[:8] in notes[0]


OTHER_SHAPES = {f"features.{n}.{kind}": torch.zeros(1) for n in range(12) for kind in ("weight", "bias")}
UNFIT = {
    "another network": (lambda path: torch.save({"conv.weight": torch.zeros(3)}, path), "not torchvision's"),
    "other shapes": (lambda path: torch.save(OTHER_SHAPES, path), "not torchvision's"),
    "code": (lambda path: path.write_bytes(pickle.dumps(print)), "is not a complete file.*--lpips PATH"),
    "half a download": (lambda path: path.write_bytes(b"PK\x03\x04half"), "is not a complete file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNFIT)
def test_files_that_are_not_alexnet_are_refused(tmp_path: Path, kind: str) -> None:
    make, message = UNFIT[kind]
    make(tmp_path / "weights.pth")
    with pytest.raises(FFLError, match=message):
        find_lpips(tmp_path / "weights.pth")


def test_the_fid_command_gives_lpips_of_pairs(
    alexnet: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in range(2):
        save(tmp_path / f"{index}_fake_B.png", picture(index, 40, 40))
        save(tmp_path / f"{index}_real_B.png", picture(index + 5, 40, 40))
    with pytest.raises(SystemExit) as stopped:
        main(["fid", str(tmp_path), str(tmp_path), "--metrics", "pairs", "--lpips", str(alexnet.path)])
    assert not stopped.value.code
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("LPIPS"))
    assert f"lower is better; N = 2 pairs; alex v0.1; weights {alexnet.sha256[:8]}" in line


def test_the_fid_command_leaves_out_what_small_pairs_cannot_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "0_fake_B.png", picture(0, 8, 40))
    save(tmp_path / "0_real_B.png", picture(5, 8, 40))
    with pytest.raises(SystemExit) as stopped:
        main(["fid", str(tmp_path), str(tmp_path), "--metrics", "pairs"])
    assert not stopped.value.code
    out, errors = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["PSNR", "LFD", "MSE"]
    small = f"and {tmp_path / '0_real_B.png'} is 40x8."
    assert errors.splitlines() == [
        f"Note: SSIM was not measured: it needs images of at least 11x11 pixels, {small}",
        f"Note: LPIPS was not measured: it needs images of at least 31x31 pixels, {small}",
    ]
