from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import picture, save
from PIL import Image
from torch.nn import functional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import features as features_module
from ffl_plugin.metrics import open_images
from ffl_plugin.metrics.features import Extractor, Features
from ffl_plugin.metrics.inception import FEATURES
from ffl_plugin.metrics.protocols import PROTOCOLS
from ffl_plugin.metrics.row_cache import StoredRows
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import Weights

CLEAN, FID, ADA = (PROTOCOLS[name] for name in ("clean", "pytorch-fid", "stylegan2-ada"))


def make_set(folder: Path, count: int = 3, seed: int = 0) -> Path:
    for index in range(count):
        save(folder / f"{index}.png", picture(seed + index))
    return folder


def images_of(source_folder: Path) -> torch.Tensor:
    source = open_images(source_folder)
    return torch.from_numpy(np.stack([source.read(i) for i in range(len(source))])).permute(0, 3, 1, 2)


# The largest difference of thousands of float32 sums that are taken in another order, over their mean.
ROUNDING = 3e-5


def relative_error(ours: np.ndarray, theirs: torch.Tensor) -> float:
    return float(np.abs(ours - theirs.numpy()).max() / np.abs(theirs.numpy()).mean())


def test_stylegan2_ada_equals_torch_fidelity(tmp_path: Path, extractor: Extractor) -> None:
    import_torchvision()
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3(
        "peer", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(extractor.weights.path)
    )
    expected = theirs(images_of(make_set(tmp_path)))
    found = extractor.extract(open_images(tmp_path), ADA)
    assert found.pool().shape == (3, 2048)
    assert relative_error(found.pool(), expected[0]) < ROUNDING
    assert relative_error(found.logits(), expected[1]) < ROUNDING


def test_pytorch_fid_equals_pytorch_fid(
    tmp_path: Path, extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_torchvision()
    from pytorch_fid import inception

    state = torch.load(extractor.weights.path, weights_only=True)
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: state)
    theirs = inception.InceptionV3([3]).eval()
    expected = theirs(images_of(make_set(tmp_path)).float() / 255)[0].flatten(1)
    found = extractor.extract(open_images(tmp_path), FID)
    assert relative_error(found.pool(), expected) < ROUNDING


@pytest.mark.parametrize(("height", "width"), [(24, 32), (400, 310), (299, 299)])
def test_clean_resizes_as_clean_fid(height: int, width: int) -> None:
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # clean-fid predates the installed Pillow
        from cleanfid.resize import build_resizer

        expected = build_resizer("clean")(picture(1, height, width))
    found = CLEAN.prepare(torch.from_numpy(picture(1, height, width))[None])[0] * 128 + 128
    assert found.permute(1, 2, 0).numpy() == pytest.approx(expected, abs=1e-3)


def test_the_protocols_differ_where_they_must() -> None:
    image = picture(1, 64, 64)
    prepared = {
        name: protocol.prepare(torch.from_numpy(image)[None])[0] for name, protocol in PROTOCOLS.items()
    }
    for one, other in (
        ("clean", "pytorch-fid"),
        ("pytorch-fid", "stylegan2-ada"),
        ("clean", "stylegan2-ada"),
    ):
        assert (prepared[one] - prepared[other]).abs().max() > 0.05
    assert {name: protocol.ddof for name, protocol in PROTOCOLS.items()} == {
        "clean": 1,
        "pytorch-fid": 1,
        "stylegan2-ada": 0,
    }
    assert (str(ADA), ADA.covariance) == ("stylegan2-ada: TensorFlow 1 bilinear", "covariance ÷N")


def test_features_are_cached_by_content(
    tmp_path: Path, random_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_module, "CHUNK", 2)
    folder, cache = make_set(tmp_path / "set", 5), tmp_path / "kept"
    extractor = CountingExtractor(random_weights)
    first = extractor.extract(open_images(folder), FID, cache=cache)
    assert extractor.images == 5
    folder.rename(tmp_path / "renamed")
    again = extractor.extract(open_images(tmp_path / "renamed"), FID, cache=cache)
    assert extractor.images == 5
    assert np.array_equal(again.pool(), first.pool())
    save(tmp_path / "renamed" / "4.png", picture(99))
    changed = extractor.extract(open_images(tmp_path / "renamed"), FID, cache=cache)
    assert extractor.images == 6
    assert np.array_equal(changed.pool()[:4], first.pool()[:4])
    assert not np.array_equal(changed.pool()[4], first.pool()[4])
    extractor.extract(open_images(tmp_path / "renamed"), CLEAN, cache=cache)
    assert extractor.images == 11
    other = CountingExtractor(Weights(random_weights.path, "another hash", False))
    other.extract(open_images(tmp_path / "renamed"), FID, cache=cache)
    assert other.images == 5


class CountingExtractor(Extractor):
    """Stands in for the network: numbers that depend on the image only; may stop like a killed process."""

    images = 0
    stop_after = 10**9

    def _run(self, images: torch.Tensor) -> np.ndarray:
        if self.images >= self.stop_after:
            raise KeyboardInterrupt
        self.images += len(images)
        return np.tile(images[:, :1, 150, 150].numpy(), FEATURES + 1008)


def test_an_interrupted_run_goes_on_where_it_was(
    tmp_path: Path, random_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_module, "CHUNK", 2)
    folder, cache = make_set(tmp_path / "set", 7), tmp_path / "kept"
    killed = CountingExtractor(random_weights)
    killed.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        killed.extract(open_images(folder), FID, cache=cache)
    resumed = CountingExtractor(random_weights)
    found = resumed.extract(open_images(folder), FID, cache=cache)
    assert resumed.images == 3
    assert np.array_equal(
        found.pool(), CountingExtractor(random_weights).extract(open_images(folder), FID).pool()
    )
    assert not [path for path in cache.iterdir() if path.suffix != ".npz"]


def with_these_modules() -> dict[str, str]:
    """The environment of a process that imports what the tests do, and computes on one thread."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


SLOW_COMMAND = """
import sys, time
import test_features
from ffl_plugin.cli import main
from ffl_plugin.metrics import feature_evaluation, features

class Slow(test_features.CountingExtractor):
    def _run(self, images):
        if self.images == int(sys.argv[1]):
            print("waiting", flush=True)
            time.sleep(600)
        print("chunk", flush=True)
        return super()._run(images)

features.CHUNK = 2
feature_evaluation.Extractor = Slow
main(["fid", *sys.argv[2:], "--metrics", "kid", "--device", "cpu", "--json"])
"""


def test_ctrl_c_ends_in_one_sentence_and_the_next_run_goes_on(
    tmp_path: Path, random_weights: Weights
) -> None:
    for side, seed in (("real", 0), ("fake", 100)):
        make_set(tmp_path / side, 20, seed)

    def start(images: int) -> subprocess.Popen[str]:
        """Start the command, which waits once so many images of a set are through."""
        paths = [tmp_path / "real", tmp_path / "fake", "--inception", random_weights.path]
        return subprocess.Popen(
            [sys.executable, "-c", SLOW_COMMAND, str(images), *map(str, paths), "--cache", tmp_path / "c"],
            cwd=Path(__file__).parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=with_these_modules(),
        )  # fmt: skip

    stopped = start(6)
    assert stopped.stdout is not None
    assert [stopped.stdout.readline() for _ in range(4)] == [*["chunk\n"] * 3, "waiting\n"]
    stopped.send_signal(signal.SIGINT)
    out, err = stopped.communicate()
    assert stopped.returncode == 1
    assert err.splitlines()[-1].startswith(
        "Error: interrupted; features, spectra, scores and samples are cached"
    )
    assert "Traceback" not in err
    assert '"measurements"' not in out
    kept = list((tmp_path / "c" / "features").iterdir())
    assert [len(StoredRows(path, np.arange(2)).load()) for path in kept] == [2] * 3
    out, _ = start(-1).communicate()
    assert out.count("chunk") == 20 - 3
    assert json.loads(out.splitlines()[-1])["measurements"]["KID"]["value"] is not None


def test_without_a_cache_nothing_stays(tmp_path: Path, random_weights: Weights, own_cache: Path) -> None:
    found = CountingExtractor(random_weights).extract(open_images(make_set(tmp_path / "set")), FID)
    (chunk,) = found.chunks
    assert isinstance(chunk, StoredRows)
    assert chunk.path.exists()
    del found
    assert not chunk.path.exists()
    assert not own_cache.exists()


def test_mixed_sizes_are_taken_or_refused_as_the_protocol_has_it(
    tmp_path: Path, random_weights: Weights
) -> None:
    save(tmp_path / "a.png", picture(0))
    save(tmp_path / "b.png", picture(1, height=40))
    extractor = CountingExtractor(random_weights)
    for protocol in (FID, CLEAN):
        assert len(extractor.extract(open_images(tmp_path), protocol)) == 2
    with pytest.raises(FFLError, match=r"a\.png is 32x24 and .*b\.png is 32x40"):
        extractor.extract(open_images(tmp_path), ADA)


def test_transparency_is_dropped_or_refused_as_the_protocol_has_it(
    tmp_path: Path, random_weights: Weights
) -> None:
    Image.fromarray(picture(0)).convert("RGBA").save(tmp_path / "a.png")
    extractor = CountingExtractor(random_weights)
    for protocol in (FID, CLEAN):
        extractor.extract(open_images(tmp_path), protocol)
    with pytest.raises(FFLError, match=r"a\.png has transparency"):
        extractor.extract(open_images(tmp_path), ADA)


def test_a_damaged_image_is_named_and_those_before_it_are_kept(
    tmp_path: Path, random_weights: Weights
) -> None:
    folder = make_set(tmp_path / "set", 50)
    damaged = sorted(folder.iterdir())[37]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:400])
    with pytest.raises(FFLError, match=rf"{damaged.name} is damaged"):
        CountingExtractor(random_weights).extract(open_images(folder), FID, cache=tmp_path / "kept")
    damaged.write_bytes(whole)
    again = CountingExtractor(random_weights)
    again.extract(open_images(folder), FID, cache=tmp_path / "kept")
    assert again.images == 50 - 37


def test_an_added_image_is_all_that_is_computed(tmp_path: Path, random_weights: Weights) -> None:
    folder, cache = make_set(tmp_path / "set", 30), tmp_path / "kept"
    first = CountingExtractor(random_weights).extract(open_images(folder), FID, cache=cache)
    save(folder / "a new one.png", picture(77))
    (folder / "7.png").unlink()
    counting = CountingExtractor(random_weights)
    found = counting.extract(open_images(folder), FID, cache=cache)
    assert counting.images == 1
    kept = [name for name in found.names if name in first.names]
    rows = [first.pool()[first.names.index(name)] for name in kept]
    assert np.array_equal(found.pool()[[found.names.index(name) for name in kept]], rows)


@pytest.mark.parametrize("protocol", ["pytorch-fid", "stylegan2-ada", "clean"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (299, 299), (300, 298), (64, 700), (31, 17)])
def test_resizes_are_what_the_field_has(protocol: str, size: tuple[int, int]) -> None:
    """Image by image, as each tool does it."""
    import_torchvision()
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    images = np.stack([picture(seed, *size) for seed in range(3)])
    found = PROTOCOLS[protocol].prepare(torch.from_numpy(images))
    assert found.shape == (3, 3, 299, 299)
    for image, ours in zip(images, found):
        channels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        if protocol == "pytorch-fid":
            theirs = 2 * functional.interpolate(channels / 255, (299, 299), mode="bilinear") - 1
        elif protocol == "stylegan2-ada":
            like = interpolate_bilinear_2d_like_tensorflow1x
            theirs = (like(channels, size=(299, 299), align_corners=False) - 128) / 128
        else:
            planes = [Image.fromarray(plane) for plane in channels[0].numpy()]
            resized = [np.asarray(plane.resize((299, 299), Image.Resampling.BICUBIC)) for plane in planes]
            theirs = (torch.from_numpy(np.stack(resized)).clip(0, 255)[None] - 128) / 128
        assert (ours - theirs[0]).abs().max() < 1e-6


def test_images_of_several_sizes_keep_their_order(tmp_path: Path, random_weights: Weights) -> None:
    """As on a GPU, where they are resized in groups of one size."""
    sizes = [(20, 20), (30, 20), (20, 20), (10, 40), (30, 20)]
    images = [torch.from_numpy(picture(seed, *size)) for seed, size in enumerate(sizes)]
    for index, size in enumerate(sizes):
        save(tmp_path / f"{index}.png", picture(index, *size))
    meter = features_module.FeatureMeter(CountingExtractor(random_weights), open_images(tmp_path), FID)
    meter._on_host = False
    for image, found in zip(images, meter._prepared(images)):
        assert torch.equal(found, FID.prepare(image[None])[0])


def test_a_full_disk_is_told_in_one_sentence(
    tmp_path: Path, random_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(FFLError, match=r"cannot write .*\(No space left on device\)") as caught:
        CountingExtractor(random_weights).extract(
            open_images(make_set(tmp_path / "set")), FID, cache=tmp_path / "kept"
        )
    assert "FFL_CACHE" in str(caught.value)
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_a_cache_can_be_shared_by_those_who_may_read_new_files(
    tmp_path: Path, random_weights: Weights
) -> None:
    extractor, cache = CountingExtractor(random_weights), tmp_path / "kept"
    before = os.umask(0o027)
    try:
        extractor.extract(open_images(make_set(tmp_path / "set")), FID, cache=cache)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.iterdir()} == {0o640}


def test_progress_reaches_the_end(
    tmp_path: Path, random_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_module, "CHUNK", 2)
    steps: list[tuple[int, int, str]] = []
    CountingExtractor(random_weights).extract(
        open_images(make_set(tmp_path, 5)), FID, progress=lambda *step: steps.append(step)
    )
    assert steps == [(done, 5, "features") for done in range(1, 6)]


WORKER = """
import sys
import numpy as np
from pathlib import Path
import test_features
from ffl_plugin.metrics import features, open_images
from ffl_plugin.metrics.distributed import process_group
from ffl_plugin.metrics.weights import Weights

features.CHUNK = 2
with process_group() as speaks:
    extractor = test_features.CountingExtractor(Weights(Path("none"), "hash", False))
    rank = features.rank_and_world()[0]
    found = extractor.extract(
        open_images(sys.argv[1]), test_features.FID, cache=Path(sys.argv[2]) / str(rank)
    )
    np.savez(Path(sys.argv[2]) / f"{rank}.npz", pool=found.pool(), images=extractor.images, speaks=speaks)
"""


def test_processes_share_the_work_with_equal_results(tmp_path: Path, random_weights: Weights) -> None:
    """Two processes, each with a cache of its own, as on two machines."""
    folder = make_set(tmp_path / "set", 7)
    alone = CountingExtractor(random_weights).extract(open_images(folder), FID)
    # As torchrun does, the parent keeps the store they meet at: no port is chosen that another may take.
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    environment = {
        **with_these_modules(), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }  # fmt: skip
    command = [sys.executable, "-c", WORKER, str(folder), str(tmp_path)]
    processes = [
        subprocess.Popen(command, cwd=Path(__file__).parent, env={**environment, "RANK": str(rank)})
        for rank in range(2)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    results = [np.load(tmp_path / f"{rank}.npz") for rank in range(2)]
    for result in results:
        assert np.array_equal(result["pool"], alone.pool())
    assert [int(result["images"]) for result in results] == [4, 3]
    assert [bool(result["speaks"]) for result in results] == [True, False]


def test_a_file_of_features_has_no_logits(random_weights: Weights) -> None:
    rows = np.zeros((3, FEATURES), np.float32)
    with pytest.raises(FFLError, match="needs class logits"):
        Features(("a", "b", "c"), FID, None, (rows,)).logits()
