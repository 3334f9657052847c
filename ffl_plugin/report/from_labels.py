"""Label maps that a segmenter of the user's predicted on generated images, against the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ffl_plugin.report.findings import Findings, few_images
from ffl_plugin.report.gather import Opened, pair_up

if TYPE_CHECKING:
    from ffl_plugin.metrics.progress import Progress


def compare_label_maps(
    real: Path,
    before: Sequence[Opened],
    after: Sequence[Opened],
    *,
    classes: int,
    ignored: int,
    progress: Optional[Progress] = None,
) -> Findings:
    """Compare mIoU and pixel accuracy.

    Args:
        real: the true label maps.
        before, after: the predicted ones of each training, by the same names.
        classes: number of classes.
        ignored: the true class whose pixels do not count.
        progress: called as ``progress(done, total, what)``.

    Raises:
        FFLError: a label map has no partner, another size, or a class out of range.
    """
    from ffl_plugin.metrics.segmentation import compare_segmentation, measure_segmentation

    pairs, _ = pair_up([*before, *after], real, True)
    scores = [measure_segmentation(p, classes=classes, ignored=ignored, progress=progress) for p in pairs]
    return Findings(
        rows=tuple(compare_segmentation(scores[: len(before)], scores[len(before) :])),
        paired=True,
        caveats=few_images(len(pairs[0])),
    )
