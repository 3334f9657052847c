from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import picture, save

from ffl_plugin import metrics
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import pair_pass


def reference_ssim(pred: np.ndarray, target: np.ndarray) -> float:
    """Wang et al. 2004, written out: 11×11 Gaussian window, valid region, mean over channels."""
    offsets = np.arange(-5, 6)
    gaussian = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(gaussian, gaussian) / gaussian.sum() ** 2

    def local_mean(channel: np.ndarray) -> np.ndarray:
        views = np.lib.stride_tricks.sliding_window_view(channel, (11, 11))
        return np.einsum("ijkl,kl->ij", views, window)

    scores = []
    for channel in range(3):
        x, y = pred[..., channel].astype(float), target[..., channel].astype(float)
        mx, my = local_mean(x), local_mean(y)
        vx, vy = local_mean(x * x) - mx**2, local_mean(y * y) - my**2
        covariance = local_mean(x * y) - mx * my
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        ratio = ((2 * mx * my + c1) * (2 * covariance + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        scores.append(ratio.mean())
    return float(np.mean(scores))


def reference_lfd(pred: np.ndarray, target: np.ndarray) -> float:
    """The paper's definition: the logarithm of the mean squared modulus of the DFTs' difference."""
    difference = np.fft.fft2(pred.astype(float), axes=(0, 1)) - np.fft.fft2(target.astype(float), axes=(0, 1))
    return float(np.log(np.mean(np.abs(difference) ** 2) + 1))


PAIRS = [
    (picture(1), picture(2)),
    (picture(1), picture(1, grain=2)),
    (picture(3, 40, 31), picture(4, 40, 31)),
]


@pytest.mark.parametrize(("pred", "target"), PAIRS)
def test_scores_equal_their_definitions(pred: np.ndarray, target: np.ndarray) -> None:
    error = np.mean((pred.astype(float) - target) ** 2)
    assert metrics.mse(pred, target) == pytest.approx(error, rel=1e-12)
    assert metrics.psnr(pred, target) == pytest.approx(10 * math.log10(255**2 / error), rel=1e-12)
    assert metrics.ssim(pred, target) == pytest.approx(reference_ssim(pred, target), abs=1e-9)
    assert metrics.log_frequency_distance(pred, target) == pytest.approx(
        reference_lfd(pred, target), rel=1e-12
    )


def test_equal_images() -> None:
    image = picture(1)
    assert metrics.mse(image, image) == 0
    assert metrics.psnr(image, image) == math.inf
    assert metrics.ssim(image, image) == pytest.approx(1, abs=1e-12)
    assert metrics.log_frequency_distance(image, image) == 0


def test_layouts_agree() -> None:
    pred, target = np.stack([p for p, _ in PAIRS[:2]]), np.stack([t for _, t in PAIRS[:2]])
    expected = np.mean([metrics.log_frequency_distance(p, t) for p, t in PAIRS[:2]])
    tensors = [torch.from_numpy(side).permute(0, 3, 1, 2) for side in (pred, target)]
    for p, t in ((pred, target), tensors, [tensor.numpy() for tensor in tensors]):
        assert metrics.log_frequency_distance(p, t) == pytest.approx(expected, rel=1e-12)
    one = [tensor[0] for tensor in tensors]
    assert metrics.ssim(*one) == pytest.approx(metrics.ssim(*PAIRS[0]), rel=1e-12)
    grey = [side[0, :, :, 0] for side in (pred, target)]
    assert metrics.psnr(*grey) == pytest.approx(metrics.psnr(*[g[:, :, None] for g in grey]))


def test_measure_pairs_scores_each_pair(tmp_path: Path) -> None:
    for index, (pred, target) in enumerate(PAIRS[:2]):
        save(tmp_path / f"{index}_fake_B.png", pred)
        save(tmp_path / f"{index}_real_B.png", target)
    seen = []
    result = metrics.measure_pairs(metrics.open_pairs(tmp_path), progress=lambda *step: seen.append(step))
    assert result.names == ("0", "1")
    for metric, function in {"psnr": metrics.psnr, "ssim": metrics.ssim, "mse": metrics.mse}.items():
        expected = [function(*pair) for pair in PAIRS[:2]]
        tolerance = 1e-6 if metric == "ssim" else 1e-12
        assert result.scores[metric] == pytest.approx(expected, rel=tolerance)
        assert result.mean(metric) == pytest.approx(np.mean(expected), rel=tolerance)
    assert seen == [(2, 4, "pairs"), (4, 4, "pairs")]


def test_measure_pairs_names_pairs_of_different_size(tmp_path: Path) -> None:
    save(tmp_path / "a_fake_B.png", picture(1))
    save(tmp_path / "a_real_B.png", picture(1, height=30))
    with pytest.raises(FFLError, match=r"a_fake_B\.png is 32x24 and its partner .*a_real_B\.png is 32x30"):
        metrics.measure_pairs(metrics.open_pairs(tmp_path))


REFUSED = {
    "shapes": (metrics.mse, (np.zeros((8, 8, 3)), np.zeros((8, 9, 3))), r"differ in shape: \(8, 8, 3\)"),
    "no broadcasting": (metrics.mse, (np.zeros((2, 8, 8, 3)), np.zeros((1, 8, 8, 3))), "differ in shape"),
    "one dimension": (metrics.psnr, (np.zeros(8), np.zeros(8)), r"an image must be .* not \(8,\)"),
    "too small": (
        metrics.ssim,
        (np.zeros((10, 20, 3)), np.zeros((10, 20, 3))),
        "at least 11x11 pixels, not 20x10",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_unfit_images_are_refused(kind: str) -> None:
    function, images, message = REFUSED[kind]
    with pytest.raises(FFLError, match=message):
        function(*images)


def pairs_of(folder: Path, pairs: list[tuple[np.ndarray, np.ndarray]]) -> metrics.ImagePairs:
    for index, (pred, target) in enumerate(pairs):
        save(folder / f"{index:02d}_fake_B.png", pred)
        save(folder / f"{index:02d}_real_B.png", target)
    return metrics.open_pairs(folder)


def by_scikit_image(pred: np.ndarray, target: np.ndarray) -> float:
    from skimage.metrics import structural_similarity

    return float(
        structural_similarity(
            pred, target, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            data_range=255,
        )
    )  # fmt: skip


@pytest.mark.parametrize("height", range(11, 25))
def test_ssim_of_any_height(height: int) -> None:
    pred, target = picture(1, height, 13), picture(2, height, 13)
    assert metrics.ssim(pred, target) == pytest.approx(reference_ssim(pred, target), abs=1e-9)
    both = np.stack([pred, target]), np.stack([target, target])
    assert metrics.ssim(*both) == pytest.approx((reference_ssim(pred, target) + 1) / 2, abs=1e-9)


def noisy(level: int, seed: int, height: int = 40, width: int = 40) -> np.ndarray:
    """An almost uniform picture, where variances are small against the squares of means."""
    random = np.random.default_rng(seed)
    return (level + random.integers(0, 3, (height, width, 3))).astype(np.uint8)


HARD = {
    "photograph-like": (picture(1, 70, 81), picture(2, 70, 81)),
    "slightly different": (picture(1, 70, 81), picture(1, 70, 81, grain=11.9)),
    "one window": (picture(1, 11, 11), picture(2, 11, 11)),
    "several strips": (picture(1, 40, 5000), picture(1, 40, 5000, grain=4)),
    "strips and a rest": (picture(1, 43, 5000), picture(1, 43, 5000, grain=4)),
    "grey": (np.repeat(picture(1)[..., :1], 3, 2), np.repeat(picture(2)[..., :1], 3, 2)),
    "bright": (noisy(252, 0), noisy(252, 1)),
    "dark": (noisy(0, 0), noisy(0, 1)),
    "black and white": (np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)),
    "equal": (picture(4), picture(4)),
}


@pytest.mark.parametrize("kind", HARD)
def test_single_precision_is_enough_for_8_bit_images(tmp_path: Path, kind: str) -> None:
    pred, target = HARD[kind]
    scores = metrics.measure_pairs(pairs_of(tmp_path, [(pred, target)]))
    assert scores.scores["ssim"][0] == pytest.approx(by_scikit_image(pred, target), abs=1e-5)
    for metric, function in {"psnr": metrics.psnr, "lfd": metrics.log_frequency_distance}.items():
        assert scores.scores[metric][0] == pytest.approx(function(pred, target), rel=1e-12)


def test_scores_are_kept_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [(picture(index), picture(100 + index)) for index in range(6)]
    pairs = pairs_of(tmp_path / "pairs", images)
    scored: list[int] = []
    plain = pair_pass.score_batch
    monkeypatch.setattr(pair_pass, "score_batch", lambda *args: scored.append(1) or plain(*args))
    first = metrics.measure_pairs(pairs, cache=tmp_path / "kept")
    assert len(scored) == 6
    (tmp_path / "pairs").rename(tmp_path / "renamed")
    again = metrics.measure_pairs(metrics.open_pairs(tmp_path / "renamed"), cache=tmp_path / "kept")
    assert len(scored) == 6
    assert all(np.array_equal(again.scores[metric], first.scores[metric]) for metric in first.scores)
    save(tmp_path / "renamed" / "03_real_B.png", picture(7))
    changed = metrics.measure_pairs(metrics.open_pairs(tmp_path / "renamed"), cache=tmp_path / "kept")
    assert len(scored) == 7
    assert list(np.flatnonzero(changed.scores["mse"] != first.scores["mse"])) == [3]
    metrics.measure_pairs(pairs_of(tmp_path / "swapped", [p[::-1] for p in images]), cache=tmp_path / "kept")
    assert len(scored) == 13  # a pair has a direction, and other metrics are other numbers
    metrics.measure_pairs(metrics.open_pairs(tmp_path / "renamed"), metrics=["mse"], cache=tmp_path / "kept")
    assert len(scored) == 19


def test_pairs_before_a_damaged_image_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = pairs_of(tmp_path / "pairs", [(picture(i), picture(100 + i)) for i in range(40)])
    damaged = tmp_path / "pairs" / "37_fake_B.png"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:300])
    with pytest.raises(FFLError, match=r"37_fake_B\.png is damaged"):
        metrics.measure_pairs(pairs, cache=tmp_path / "kept")
    damaged.write_bytes(whole)
    scored: list[int] = []
    plain = pair_pass.score_batch
    monkeypatch.setattr(pair_pass, "score_batch", lambda *args: scored.append(1) or plain(*args))
    assert len(metrics.measure_pairs(pairs, cache=tmp_path / "kept").names) == 40
    assert len(scored) == 3


def test_a_damaged_cache_is_measured_again(tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path / "pairs", [(picture(1), picture(2))])
    first = metrics.measure_pairs(pairs, cache=tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert metrics.measure_pairs(pairs, cache=tmp_path / "kept").scores == first.scores
