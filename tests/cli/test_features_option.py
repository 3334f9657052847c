"""``--features alexnet --weights FILE`` in fid, compare and sweep, on a random AlexNet."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from ffl_plugin.cli import main
from ffl_plugin.metrics.feature_choice import NETWORKS
from ffl_plugin.metrics.torchvision_operators import import_torchvision

COUNT = 40


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``real``, ``before`` (blurred), ``after`` (less so), as sets of other pictures, and ``alexnet.pth``."""
    root = tmp_path_factory.mktemp("material")
    random = np.random.default_rng(0)
    for side, radius in (("real", 0.0), ("before", 2.0), ("after", 0.5)):
        (root / side).mkdir()
        for index in range(COUNT):
            pixels = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((36, 36)).filter(ImageFilter.GaussianBlur(radius))
            image.save(root / side / f"{side}{index:02}.png")
    import_torchvision()
    from torchvision.models import AlexNet

    torch.manual_seed(0)
    state = AlexNet().features.state_dict()
    torch.save({f"features.{name}": tensor for name, tensor in state.items()}, root / "alexnet.pth")
    return root


@pytest.fixture(autouse=True)
def own_cache(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test uses the weights that the user has; features are computed once."""
    monkeypatch.setenv("FFL_CACHE", str(tmp_path_factory.getbasetemp() / "cache-of-features"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("INCEPTION", "LPIPS", "DINOV2", "CLIP"):
        monkeypatch.delenv(f"FFL_{name}", raising=False)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def sides(material: Path) -> list[object]:
    return [
        "--real", material / "real", "--before", material / "before", "--after", material / "after",
        "--no-download",
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["--weights", "--feature-weights"])
def test_fid_names_the_network_and_its_file(
    option: str, material: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        capsys, "fid", material / "real", material / "before", "--features", "alexnet", option,
        material / "alexnet.pth", "--metrics", "fid,kid,pr", "--json",
    )  # fmt: skip
    found = json.loads(out)["measurements"]
    assert code == 0
    assert list(found) == ["FD-AlexNet", "KD-AlexNet", "Precision-AlexNet", "Recall-AlexNet"]
    assert all("alexnet: 224×224" in one["conditions"] for one in found.values())
    assert "not the published AlexNet file" in err
    assert found["FD-AlexNet"]["value"] > 0


def test_compare_decides_by_the_network_that_was_asked_for(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(
        capsys, "compare", *sides(material), "--features", "alexnet", "--weights", material / "alexnet.pth",
        "--metrics", "fid,kid", "--json", "--out", tmp_path / "report",
    )  # fmt: skip
    found = json.loads(out)
    assert code == 0
    assert found["verdict"]["metric"] == "kd_alexnet" and found["verdict"]["outcome"] == "improved"
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "KD-AlexNet" in page and "FD-AlexNet does not decide" not in found["verdict"]["sentence"]
    assert "--features alexnet --feature-weights" in found["command"] or "--weights" in found["command"]


def test_a_sweep_is_gathered_again_on_another_network(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text(
        "import pathlib, shutil, sys\n"
        "out, weight = sys.argv[1], sys.argv[2]\n"
        f"side = 'before' if float(weight.split('=')[1]) == 0 else 'after'\n"
        f"shutil.copytree(pathlib.Path({str(material)!r}) / side, pathlib.Path(out) / 'images')\n"
    )
    monkeypatch.chdir(tmp_path)
    gathering = [
        "sweep", "--out", tmp_path / "sweep", "--real", material / "real", "--results", "{out}/images",
        "--no-download", "--json",
    ]  # fmt: skip
    training = ["--", sys.executable, "train.py", "{out}"]
    assert run(capsys, *gathering, "--weights", "1", "--seeds", "0", *training)[0] == 0
    code, out, _ = run(
        capsys, *gathering, "--report-only", "--features", "alexnet", "--feature-weights",
        material / "alexnet.pth", "--metrics", "kid",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["weights"][0]["verdict"]["metric"] == "kd_alexnet"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--features", "alexnet", "--metrics", "is"], 1, "the Inception Score is defined on Inception only"),
        (["--metrics", "cmmd"], 1, "--features clip"),
        (["--features", "clip", "--protocol", "clean"], 1, "--protocol clean"),
        (["--features", "vgg"], 2, "'vgg'"),
        (["--features", "alexnet", "--weights", "real/real00.png"], 1, "real00.png is not a complete file"),
        (["--features", "clip", "--weights", "alexnet.pth"], 1, "alexnet.pth is not CLIP's"),
        (["--features", "alexnet", "--weights", "gone.pth"], 1, "gone.pth does not exist"),
    ],
)
def test_bad_choices_end_in_one_sentence(
    options: list[str],
    code: int,
    words: str,
    material: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(material)
    found, out, err = run(capsys, "compare", *sides(material), *options)
    assert found == code and words in err and "Traceback" not in err and out == ""


@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "inception"])
def test_missing_weights_are_told_with_the_option_that_gives_them(
    network: str, material: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "compare", *sides(material), "--features", network, "--json")
    (missing,) = json.loads(out)["missing"]
    assert code == 0 and "--feature-weights PATH" in missing and NETWORKS[network] in missing


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--weights", "alexnet.pth"], 2, "--feature-weights"),
        (["--features", "alexnet", "--feature-weights", "real/real00.png"], 1, "is not a complete file"),
        (["--features", "dinov2", "--metrics", "is"], 1, "the Inception Score is defined on Inception only"),
    ],
)
def test_a_sweep_refuses_before_it_trains(
    options: list[str],
    code: int,
    words: str,
    material: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(material)
    training = ["--", sys.executable, "-c", "raise SystemExit(3)", "{out}"]
    found, _, err = run(capsys, "sweep", "--out", tmp_path / "sweep", *options, *training)
    assert found == code and words in err and not (tmp_path / "sweep").exists()
