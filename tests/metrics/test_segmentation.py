from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import picture, save

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import measure_segmentation, open_pairs

TRUE = np.array([[0, 0, 1, 1], [0, 0, 1, 255]], np.uint8)
PREDICTED = np.array([[0, 1, 1, 1], [0, 0, 1, 7]], np.uint8)


def maps(tmp_path: Path, predicted: np.ndarray, true: np.ndarray) -> Path:
    save(tmp_path / "predicted" / "a.png", predicted)
    save(tmp_path / "true" / "a.png", true)
    return tmp_path


def measured(folder: Path, classes: int = 8):
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


UNFIT = {
    "colour": (picture(1, 2, 4), TRUE, 8, "is a colour image"),
    "sizes": (PREDICTED[:, :3], TRUE, 8, "is 3x2 and its label map .* is 4x2"),
    "classes": (
        np.full((2, 4), 9, np.uint8),
        TRUE,
        8,
        r"predicted/a\.png holds class 9, but there are 8 classes",
    ),
    "unlabelled": (PREDICTED, np.full((2, 4), 255, np.uint8), 8, "holds no labelled pixels"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_unfit_label_maps_are_refused(tmp_path: Path, kind: str) -> None:
    predicted, true, classes, message = UNFIT[kind]
    with pytest.raises(FFLError, match=message):
        measured(maps(tmp_path, predicted, true), classes)
