"""Metrics of pairs of images before and after: a paired t-test, and the jackknife for label maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from operator import methodcaller

import numpy as np

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.basis import Basis
from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.metric import PAIR_METRICS
from ffl_plugin.metrics.pairs import PairScores
from ffl_plugin.metrics.segmentation import SEGMENTATION_METRICS, SegmentationScores
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty.difference import Difference, compare_values
from ffl_plugin.metrics.uncertainty.jackknife import delete_group_error


def compare_pairs(trainings: Sides[PairScores]) -> list[Difference]:
    """Compare metrics of pairs image by image.

    Raises:
        FFLError: two trainings were not measured on the same images.
    """
    names = trainings.before[0].names
    _check_same_images(all(sorted(scores.names) == sorted(names) for scores in trainings))
    differences = []
    for key in trainings.before[0].scores:
        images = np.stack([_by_image(scores, key, names) for scores in trainings])
        differences.append(
            compare_values(
                PAIR_METRICS[key],
                trainings.map(methodcaller("mean", key)),
                basis=Basis(counts={"pairs": len(names)}),
                sampling=partial(_error_of_mean, images)
                if len(names) > 1 and np.isfinite(images).all()
                else None,
                degrees=len(names) - 1,
            )
        )
    return differences


def compare_segmentation(trainings: Sides[SegmentationScores]) -> list[Difference]:
    """Compare predicted label maps before and after, paired by image.

    The interval is jackknifed: a twentieth of the images is left out of both sides at once.

    Raises:
        FFLError: two trainings were not measured on the same images.
    """
    first = trainings.before[0]
    _check_same_images(all(scores.names == first.names for scores in trainings))
    # Without one fold: (folds, classes, classes) of each training.
    rest = [scores.confusion - scores.folds for scores in trainings]
    known = all(without.sum(axis=(1, 2)).all() for without in rest)
    confusions = trainings.map(lambda scores: scores.confusion)
    basis = Basis(
        counts={"label maps": len(first.names)},
        settings=(f"{len(first.confusion)} classes", f"class {first.ignored} ignored"),
    )
    differences = []
    for metric, of in SEGMENTATION_METRICS:
        left_out = np.array([list(map(of, without)) for without in rest]) if known else None
        found = compare_values(
            metric,
            confusions.map(of),
            basis=basis,
            sampling=None if left_out is None else partial(delete_group_error, left_out.T),
            degrees=len(first.folds) - 1,
        )
        differences.append(found)
    return differences


def _check_same_images(same: bool) -> None:
    if not same:
        raise FFLError("the trainings were measured on different images; test all on the same ones")


def _by_image(scores: PairScores, metric: str, names: Sequence[str]) -> Array:
    """Return the score of each image in the order of ``names``."""
    place = {name: index for index, name in enumerate(scores.names)}
    return np.asarray(scores.scores[metric], np.float64)[[place[name] for name in names]]


def _error_of_mean(images: Array, weights: Array) -> float:
    """Return the standard error of the mean over images of a weighted sum of the trainings' scores (k, n)."""
    return float(np.std(weights @ images, ddof=1) / math.sqrt(images.shape[1]))
