from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import requests
from pictures import picture, save

from ffl_plugin.cli import main
from ffl_plugin.metrics import frechet_distance, open_images
from ffl_plugin.metrics.basis import Basis
from ffl_plugin.metrics.features import Extractor
from ffl_plugin.metrics.measurement import Measurement, basis_of, fid, load_feature_file
from ffl_plugin.metrics.protocols import PROTOCOLS
from ffl_plugin.metrics.weights import INCEPTION, Weights

FID = PROTOCOLS["pytorch-fid"]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets")
    for index in range(6):
        save(root / "real" / f"{index}.png", picture(index))
        save(root / "fake" / f"{index}.png", picture(100 + index, grain=3))
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by the tests of this file: each image goes through the network once."""
    return tmp_path_factory.mktemp("cache")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["fid", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def test_json_tells_value_and_conditions(
    sets: Path, cache: Path, random_weights: Weights, extractor: Extractor, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        capsys, sets / "real", sets / "fake", "--inception", random_weights.path, "--json", "--cache", cache
    )
    assert code == 0
    found = json.loads(out)["measurements"]["FID"]
    real, fake = (
        extractor.extract(open_images(sets / side), FID, cache=cache / "features")
        for side in ("real", "fake")
    )
    assert found["value"] == pytest.approx(frechet_distance(real.pool(), fake.pool()), rel=1e-9)
    assert found["value"] > 1e-3
    assert found["conditions"] == (
        "pytorch-fid: bilinear without antialiasing, covariance ÷(N−1); N = 6 real, 6 generated; "
        f"weights {random_weights.sha256[:8]}"
    )
    assert f"SHA-256 {random_weights.sha256[:8]}) is not the published Inception file" in err
    assert "6 images are fewer than 2,048" in err


def test_every_metric_has_its_line(
    sets: Path, cache: Path, random_weights: Weights, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(
        capsys, sets / "real", sets / "fake", "--inception", random_weights.path, "--cache", cache,
        "--metrics", "fid,kid,pr,pairs,spectra",
    )  # fmt: skip
    assert code == 0
    names = [line[:24].strip() for line in out.splitlines()]
    assert names[:8] == ["FID", "KID", "precision", "recall", "PSNR", "SSIM", "LFD", "MSE"]
    assert "radial profile, dB" in names
    (ratio,) = (line for line in out.splitlines() if line.startswith("high-band energy ratio"))
    assert ratio.endswith("(1 is ideal; N = 6 real, 6 generated)")


def test_without_weights_the_rest_is_measured_and_the_way_out_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(2):
        save(tmp_path / "test_latest/images" / f"{index}_fake_B.png", picture(index))
        save(tmp_path / "test_latest/images" / f"{index}_real_B.png", picture(10 + index))

    def offline(*_: object, **__: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", offline)
    code, out, err = run(capsys, tmp_path, tmp_path, "--json")
    assert code == 1
    found = json.loads(out)
    assert {"PSNR", "SSIM", "LFD", "MSE", "radial profile, dB"} <= set(found["measurements"])
    assert "FID" not in found["measurements"]
    assert found["refused"] in err
    assert INCEPTION.url in err
    assert "--inception PATH" in err
    assert "Traceback" not in err


def test_one_set_given_twice_is_told(
    sets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sets)
    told = "Note: REAL and FAKE are the same images, those of real; pass two sets"
    for fake, same in (("./real", True), ("fake", False)):
        _, _, err = run(capsys, "real", fake, "--metrics", "spectra")
        assert (told in err.splitlines()) == same


def test_the_same_images_are_at_distance_zero(
    sets: Path, cache: Path, random_weights: Weights, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(
        capsys, sets / "real", sets / "real", "--inception", random_weights.path, "--json", "--cache", cache
    )
    assert json.loads(out)["measurements"]["FID"]["value"] < 1e-8


def test_statistics_of_other_tools_and_features_are_read(
    sets: Path, cache: Path, random_weights: Weights, extractor: Extractor, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    real, fake = (
        extractor.extract(open_images(sets / side), FID, cache=cache / "features")
        for side in ("real", "fake")
    )
    rows = real.pool().astype(np.float64)
    np.savez(tmp_path / "statistics.npz", mu=rows.mean(0), sigma=np.cov(rows, rowvar=False))
    np.savez(tmp_path / "features.npz", features=rows)
    expected = fid(real, fake).value
    for name in ("statistics.npz", "features.npz"):
        code, out, _ = run(
            capsys,
            tmp_path / name,
            sets / "fake",
            "--inception",
            random_weights.path,
            "--json",
            "--cache",
            cache,
        )
        assert code == 0
        assert json.loads(out)["measurements"]["FID"]["value"] == pytest.approx(expected, rel=1e-6)
    code, _, err = run(
        capsys, tmp_path / "statistics.npz", sets / "fake", "--inception", random_weights.path,
        "--cache", cache, "--metrics", "kid",
    )  # fmt: skip
    assert code == 1
    assert "the real images are given as statistics alone, from which kid cannot be computed" in err


def test_csv_holds_what_json_does(sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = (sets / "real", sets / "fake", "--metrics", "pairs,spectra", "--no-cache")
    _, out, _ = run(capsys, *asked, "--json")
    expected = json.loads(out)["measurements"]
    code, out, _ = run(capsys, *asked, "--csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["metric"] for row in rows] == list(expected)
    for row in rows:
        found = expected[row["metric"]]
        assert row["value"] == ("" if found["value"] is None else repr(found["value"]))
        assert row["conditions"] == found["conditions"]
    code, out, err = run(capsys, *asked, "--csv", "--json")
    assert (code, out) == (2, "")
    assert "--json and --csv are mutually exclusive" in err


def test_without_a_cache_nothing_is_kept(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    asked = (sets / "real", sets / "fake", "--metrics", "spectra")
    assert run(capsys, *asked, "--no-cache")[0] == 0
    assert not (tmp_path / "cache").exists()
    assert run(capsys, *asked)[0] == 0
    assert list((tmp_path / "cache").rglob("*.npz"))


def test_a_value_without_end_is_null_in_json() -> None:
    assert Measurement("PSNR", float("inf"), "higher", Basis(counts={"pairs": 1})).as_json()["value"] is None


def test_conditions_of_unknown_origin_say_so(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", mu=np.zeros(3), sigma=np.eye(3))
    side = load_feature_file(tmp_path / "s.npz", FID)
    assert (
        str(basis_of(side, side)) == "protocol unknown; N = unknown real, unknown generated; weights unknown"
    )


def spoiled_npz(path: Path) -> None:
    np.savez(path, mu=np.zeros(4), sigma=np.eye(4))
    path.write_bytes(path.read_bytes()[:-60])


def pickled_npz(path: Path) -> None:
    np.savez(path, mu=np.array([{"a": 1}], dtype=object), sigma=np.eye(1))


def other_npz(path: Path) -> None:
    np.savez(path, weights=np.zeros(3))


def nan_npz(path: Path) -> None:
    np.savez(path, mu=np.full(2048, np.nan), sigma=np.eye(2048))


def unfit_npz(path: Path) -> None:
    np.savez(path, mu=np.zeros(2048), sigma=np.eye(3))


def small_npz(path: Path) -> None:
    np.savez(path, mu=np.zeros(64), sigma=np.eye(64))


def not_npz(path: Path) -> None:
    path.write_bytes(b"hello")


def no_npz(path: Path) -> None:
    pass


def nan_features(path: Path) -> None:
    np.savez(path, features=np.full((5, 2048), np.nan))


def one_feature(path: Path) -> None:
    np.savez(path, features=np.zeros((1, 2048)))


NPZ = {
    spoiled_npz: "is not a complete .npz",
    pickled_npz: "is not a complete .npz",
    other_npz: "contains weights, not mu and sigma",
    nan_npz: "NaN or infinite",
    unfit_npz: "not (2048,) and (3, 3)",
    small_npz: "differ in dimension",
    not_npz: "is not a complete .npz",
    no_npz: "does not exist",
    nan_features: "NaN or infinite",
    one_feature: "at least 2 features, not 1",
}


@pytest.mark.parametrize("make", NPZ, ids=lambda make: make.__name__)
def test_unfit_files_of_statistics_end_in_one_sentence(
    sets: Path, cache: Path, random_weights: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    make: object,
) -> None:  # fmt: skip
    make(tmp_path / "s.npz")
    code, out, err = run(
        capsys, tmp_path / "s.npz", sets / "fake", "--inception", random_weights.path, "--cache", cache
    )
    errors = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert (code, out, len(errors)) == (1, "", 1)
    assert NPZ[make] in errors[0]


USAGE = {
    "unknown metric": (["--metrics", "fid,psnr"], "'psnr' is not one of"),
    "unknown protocol": (["--protocol", "fid50k"], "is not one of"),
    "cache and none": (["--cache", "x", "--no-cache"], "mutually exclusive"),
}


@pytest.mark.parametrize("kind", USAGE)
def test_wrong_usage_is_told(sets: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    options, message = USAGE[kind]
    code, out, err = run(capsys, sets / "real", sets / "fake", *options)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("device", ["quantum", "cuda:99"])
def test_a_device_that_is_not_there_is_told(
    sets: Path, random_weights: Weights, capsys: pytest.CaptureFixture[str], device: str
) -> None:
    code, _, err = run(
        capsys, sets / "real", sets / "fake", "--inception", random_weights.path, "--device", device
    )
    assert code == 1
    assert f"Error: {device!r} is not a device that this PyTorch can use" in err
    assert "Traceback" not in err


def test_features_of_different_protocols_or_weights_do_not_mix(random_weights: Weights) -> None:
    from ffl_plugin.errors import FFLError
    from ffl_plugin.metrics.features import Features

    rows = np.random.default_rng(0).normal(size=(4, 2048)).astype(np.float32)
    made = Features(("a",) * 4, FID, random_weights, (rows,))
    with pytest.raises(FFLError, match="protocols pytorch-fid and clean are not comparable"):
        fid(made, Features(("a",) * 4, PROTOCOLS["clean"], random_weights, (rows,)))
    other = Weights(random_weights.path, "0" * 64, True)
    with pytest.raises(FFLError, match="different weights are not comparable"):
        fid(made, Features(("a",) * 4, FID, other, (rows,)))


def test_a_network_without_its_clone_is_told_before_anything_runs(
    sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "network.pkl").write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")
    code, out, err = run(capsys, sets / "real", tmp_path / "network.pkl")
    assert (code, out) == (1, "")
    assert "is a network; pass the clone that samples it with --clone" in err
    assert not (tmp_path / "executed").exists()
