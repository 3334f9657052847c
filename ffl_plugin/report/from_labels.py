"""Comparison of true label maps with those that a user's segmentation model predicted on generated images."""

from __future__ import annotations

from ffl_plugin.errors import FFLError
from ffl_plugin.report.inputs import Inputs, MeasurementSettings
from ffl_plugin.report.model import LABELS, Findings
from ffl_plugin.report.verdict import few_images


def compare_label_maps(inputs: Inputs, settings: MeasurementSettings) -> Findings:
    """Compare mIoU and pixel accuracy of label maps.

    Raises:
        FFLError: a label map has no partner, another size, or a class out of range.
    """
    from ffl_plugin.metrics.segmentation import measure_segmentation
    from ffl_plugin.metrics.uncertainty import compare_segmentation
    from ffl_plugin.report.image_rows import digests_of

    pairs, classes = inputs.pairs, settings.classes
    if pairs is None or classes is None:
        raise FFLError("label maps need pairs and the number of classes")
    scores = pairs.map(
        lambda found: measure_segmentation(
            found, classes=classes, ignored=settings.ignored, progress=settings.progress
        )
    )
    everything = (inputs.real, *inputs.trainings)
    return Findings(
        LABELS,
        rows=tuple(compare_segmentation(scores)),
        caveats=few_images(len(pairs.before[0])),
        digests=digests_of([opened.images for opened in everything], settings.progress),
    )
