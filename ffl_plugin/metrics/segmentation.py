"""mIoU and pixel accuracy of predicted label maps: the metrics of the paper's Table 5.

The segmentation network is the user's (the paper used DRN-D-105 on Cityscapes and UperNet101 on ADE20K): run
it on the generated photographs, save one class index per pixel, and compare with the true label maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.decode import decode_labels
from ffl_plugin.metrics.metric import HIGHER, Metric
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.results import ImagePairs

FOLDS = 20


@dataclass(frozen=True)
class SegmentationScores:
    """Agreement of predicted label maps with the true ones.

    Attributes:
        names: of the label maps.
        folds: (folds, classes, classes) pixel counts per fold of the images; rows are true classes, columns
            predicted ones.
        ignored: the true class whose pixels are excluded.
    """

    names: tuple[str, ...]
    folds: npt.NDArray[np.int64]
    ignored: int = 255

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """(classes, classes) pixel counts of all images."""
        return np.asarray(self.folds.sum(axis=0))

    @property
    def pixel_accuracy(self) -> float:
        """Share of labelled pixels with the correct class, 0 to 1."""
        return pixel_accuracy(self.confusion)

    @property
    def mean_iou(self) -> float:
        """Intersection over union, 0 to 1, averaged over the occurring classes (Long et al. 2015)."""
        return mean_iou(self.confusion)


def pixel_accuracy(confusion: npt.NDArray[np.int64]) -> float:
    """Σ_c n_cc / Σ n of a confusion matrix (classes, classes)."""
    return float(np.trace(confusion) / confusion.sum())


def mean_iou(confusion: npt.NDArray[np.int64]) -> float:
    """Mean of n_cc / (Σ_k n_ck + Σ_k n_kc − n_cc) over the classes c that are true or predicted anywhere."""
    both = np.diag(confusion)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    return float(np.mean(both[either > 0] / either[either > 0]))


# Each metric with its function of a confusion matrix.
SEGMENTATION_METRICS = (
    (Metric("miou", "mIoU", HIGHER), mean_iou),
    (Metric("pixel_accuracy", "Pixel accuracy", HIGHER), pixel_accuracy),
)


def measure_segmentation(
    pairs: ImagePairs, *, classes: int, ignored: int = 255, progress: Optional[Progress] = None
) -> SegmentationScores:
    """Count predicted classes (``pairs.fake``) against the true ones (``pairs.real``).

    Pixels whose true class is ``ignored`` are excluded; 255 means "unknown" in tools for Cityscapes,
    COCO-Stuff and ADE20K.

    Raises ``FFLError`` naming the map for colour images, different sizes, and classes out of range.
    """
    folds = np.zeros((min(FOLDS, len(pairs)), classes, classes), dtype=np.int64)
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
                    f"{side.describe(index)} contains class {labels.max()}, but there are {classes} classes "
                    f"(0 to {classes - 1}); pass the right number of classes"
                )
        cells = true[counted] * classes + predicted[counted]
        folds[index % len(folds)] += np.bincount(cells, minlength=classes**2).reshape(classes, classes)
        if progress is not None:
            progress(index + 1, len(pairs), "label maps")
    if folds.sum() == 0:
        raise FFLError(f"{pairs.real.path} contains no labelled pixels; pass the true label maps")
    return SegmentationScores(pairs.names, folds, ignored)
