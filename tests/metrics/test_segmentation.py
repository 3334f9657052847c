from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import picture, save

from ffl_plugin.cli import main
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import measure_segmentation, open_pairs
from ffl_plugin.metrics.segmentation import SegmentationScores
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import compare_segmentation

TRUE = np.array([[0, 0, 1, 1], [0, 0, 1, 255]], np.uint8)
PREDICTED = np.array([[0, 1, 1, 1], [0, 0, 1, 7]], np.uint8)


def maps(tmp_path: Path, predicted: np.ndarray, true: np.ndarray) -> Path:
    save(tmp_path / "predicted" / "a.png", predicted)
    save(tmp_path / "true" / "a.png", true)
    return tmp_path


def measured(folder: Path, classes: int = 8) -> SegmentationScores:
    return measure_segmentation(open_pairs(folder / "predicted", folder / "true"), classes=classes)


def test_scores_by_hand(tmp_path: Path) -> None:
    found = measured(maps(tmp_path, PREDICTED, TRUE))
    assert found.confusion[:2, :2].tolist() == [[3, 1], [0, 3]]
    assert found.pixel_accuracy == pytest.approx(6 / 7)
    # Class 0: 3 of 4; class 1: 3 of 4; classes that occur nowhere do not count, nor does the unknown pixel.
    assert found.mean_iou == pytest.approx(0.75)


def test_a_class_that_is_never_right_counts_as_zero(tmp_path: Path) -> None:
    found = measured(maps(tmp_path, np.zeros((2, 2), np.uint8), np.array([[0, 0], [0, 3]], np.uint8)))
    assert found.mean_iou == pytest.approx((3 / 4 + 0) / 2)


def test_perfect_predictions(tmp_path: Path) -> None:
    labels = np.array([[0, 1], [2, 3]], np.uint8)
    found = measured(maps(tmp_path, labels, labels))
    assert (found.pixel_accuracy, found.mean_iou) == (1, 1)


def confusion_by_hand(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes), int)
    for t, p in zip(true.ravel(), predicted.ravel()):
        if t != 255:
            counts[t, p] += 1
    return counts


def drawn(folder: Path, seed: int, right: float, count: int = 45) -> tuple[Path, np.ndarray]:
    """Label maps of which a share of the pixels is right; the true ones depend on their number only."""
    random = np.random.default_rng(seed)
    total = np.zeros((5, 5), int)
    for index in range(count):
        true = np.random.default_rng(index).choice([0, 1, 2, 3, 255], size=(6, 7)).astype(np.uint8)
        predicted = np.where(
            (random.random(true.shape) < right) & (true != 255), true, random.integers(0, 5, true.shape)
        )
        save(folder.parent / "true" / f"{index}.png", true)
        save(folder / f"{index}.png", predicted.astype(np.uint8))
        total += confusion_by_hand(true, predicted, 5)
    return folder, total


def test_a_set_adds_up_to_the_confusion_counted_by_hand(tmp_path: Path) -> None:
    folder, expected = drawn(tmp_path / "a", 1, 0.7)
    found = measure_segmentation(open_pairs(folder, tmp_path / "true"), classes=5)
    assert np.array_equal(found.confusion, expected)
    ious = [expected[c, c] / (expected[c].sum() + expected[:, c].sum() - expected[c, c]) for c in range(5)]
    assert found.mean_iou == pytest.approx(np.mean(ious))
    assert ious[4] == 0  # never true, sometimes predicted
    assert found.pixel_accuracy == pytest.approx(np.trace(expected) / expected.sum())


def test_the_command_compares_label_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = drawn(tmp_path / "a", 1, 0.5), drawn(tmp_path / "b", 2, 0.8)
    arguments = ["--real", tmp_path / "true", "--before", before[0], "--after", after[0], "--classes", 5]
    with pytest.raises(SystemExit) as stopped:
        main(["compare", *map(str, arguments), "--json"])
    assert not stopped.value.code
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"]["sentence"].startswith("Improved: mIoU")
    rows = {row["metric"]: row for row in found["rows"]}
    assert list(rows) == ["miou", "pixel_accuracy"]
    for side, (_, confusion) in {"before": before, "after": after}.items():
        assert rows["pixel_accuracy"][side] == pytest.approx(np.trace(confusion) / confusion.sum())
    assert rows["miou"]["low"] > 0
    digests = {found["real"]["digest"], *(found[side][0]["digest"] for side in ("before", "after"))}
    assert len(digests - {None}) == 3
    assert rows["miou"]["label"] == "mIoU (N = 45 label maps; 5 classes; class 255 ignored)"


def test_the_interval_covers_the_truth(tmp_path: Path) -> None:
    """Of per-image accuracies of known means; 0.95 is promised."""
    random = np.random.default_rng(3)

    def scores(mean: float) -> SegmentationScores:
        right = random.binomial(100, np.clip(random.normal(mean, 0.1, 60), 0, 1))
        images = np.array([[[r, 100 - r], [0, 0]] for r in right])
        folds = np.stack([images[fold::20].sum(axis=0) for fold in range(20)])
        return SegmentationScores(tuple(map(str, range(60))), folds)

    found = [compare_segmentation(Sides([scores(0.5)], [scores(0.6)]))[1] for _ in range(200)]
    assert 0.90 <= np.mean([one.low <= 0.1 <= one.high for one in found]) <= 0.98


def test_one_label_map_has_no_interval(tmp_path: Path) -> None:
    found = measured(maps(tmp_path, PREDICTED, TRUE))
    assert [row.low for row in compare_segmentation(Sides([found], [found]))] == [None, None]


def test_label_maps_without_the_true_ones_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        save(tmp_path / name / "0_fake_B.png", PREDICTED)
        save(tmp_path / name / "0_real_B.png", PREDICTED)
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "--before", str(tmp_path / "a"), "--after", str(tmp_path / "b"), "--classes", "8"])
    assert stopped.value.code == 1
    assert "pass those with --real" in capsys.readouterr().err


UNFIT = {
    "colour": (picture(1, 2, 4), TRUE, 8, "is a colour image"),
    "sizes": (PREDICTED[:, :3], TRUE, 8, "is 3x2 and its label map .* is 4x2"),
    "classes": (
        np.full((2, 4), 9, np.uint8),
        TRUE,
        8,
        r"predicted/a\.png contains class 9, but there are 8 classes",
    ),
    "unlabelled": (PREDICTED, np.full((2, 4), 255, np.uint8), 8, "contains no labelled pixels"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_unfit_label_maps_are_refused(tmp_path: Path, kind: str) -> None:
    predicted, true, classes, message = UNFIT[kind]
    with pytest.raises(FFLError, match=message):
        measured(maps(tmp_path, predicted, true), classes)
