"""mIoU and pixel accuracy of predicted label maps: the metrics of the paper's Table 5.

The segmenter is the user's (the paper ran DRN-D-105 on Cityscapes and UperNet101 on ADE20K): run it on the
generated photographs, save one class index per pixel, and compare with the label maps they were made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.decode import decode_labels
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.results import ImagePairs

IGNORED = 255  # the class index that stands for "unknown" in Cityscapes, COCO-Stuff and ADE20K tools


@dataclass(frozen=True)
class SegmentationScores:
    """How predicted label maps agree with the true ones.

    Attributes:
        confusion: (classes, classes) number of pixels; row is the true class, column the predicted one.
    """

    confusion: npt.NDArray[np.int64]

    @property
    def pixel_accuracy(self) -> float:
        """Share of the labelled pixels whose class is right, 0 to 1."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def mean_iou(self) -> float:
        """Intersection over union, 0 to 1, averaged over the classes that occur (Long et al. 2015)."""
        both = np.diag(self.confusion)
        either = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - both
        return float(np.mean(both[either > 0] / either[either > 0]))


def measure_segmentation(
    pairs: ImagePairs, *, classes: int, ignored: int = IGNORED, progress: Optional[Progress] = None
) -> SegmentationScores:
    """Count predicted classes (``pairs.fake``) against the true ones (``pairs.real``).

    Pixels whose true class is ``ignored`` do not count.

    Raises ``FFLError`` naming the map for colour images, sizes that differ, and classes out of range.
    """
    confusion = np.zeros((classes, classes), dtype=np.int64)
    for index in range(len(pairs)):
        predicted, true = (
            decode_labels(side.read_bytes(index), side.describe(index)) for side in (pairs.fake, pairs.real)
        )
        if predicted.shape != true.shape:
            raise FFLError(
                f"{pairs.fake.describe(index)} is {predicted.shape[1]}x{predicted.shape[0]} and its "
                f"label map {pairs.real.describe(index)} is {true.shape[1]}x{true.shape[0]}; "
                "label maps need equal sizes"
            )
        counted = true != ignored
        for side, labels in ((pairs.fake, predicted[counted]), (pairs.real, true[counted])):
            if labels.size and not 0 <= labels.min() <= labels.max() < classes:
                raise FFLError(
                    f"{side.describe(index)} holds class {labels.max()}, but there are {classes} classes "
                    f"(0 to {classes - 1}); give the right number of classes"
                )
        cells = true[counted] * classes + predicted[counted]
        confusion += np.bincount(cells, minlength=classes**2).reshape(classes, classes)
        if progress is not None:
            progress(index + 1, len(pairs), "label maps")
    if confusion.sum() == 0:
        raise FFLError(f"{pairs.real.path} holds no labelled pixels; give the true label maps")
    return SegmentationScores(confusion)
