"""Inception Score, precision and recall before and after, with confidence intervals.

The Inception Score is smooth in the weight of an image, so the infinitesimal jackknife gives its error.
Precision and recall count nearest neighbours; their error is estimated from balanced half-samples (McCarthy
1969). All depend on the number of images, and the interval applies to that number.
"""

from __future__ import annotations

from functools import partial
from typing import Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.distribution import (
    IS_SPLITS,
    NEIGHBOURS,
    inception_score_influence,
    inception_score_of,
)
from ffl_plugin.metrics.frechet import Array, Rows
from ffl_plugin.metrics.metric import INCEPTION_SCORE, PRECISION, RECALL
from ffl_plugin.metrics.neighbourhoods import precision_and_recall
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty.difference import Difference, compare_values
from ffl_plugin.metrics.uncertainty.jackknife import infinitesimal_error

GROUPS = 16  # a power of 2
# Images on each side.
FEWEST_NEIGHBOURS: int = 2 * GROUPS  # for precision and recall: at least 16 in each half
FEWEST_SCORED: int = 10 * IS_SPLITS  # for the Inception Score


def compare_inception_score(trainings: Sides[Rows], *, paired: bool = False) -> Difference:
    """Compare the Inception Score of sets of logits (n, classes).

    Raises ``FFLError`` for fewer than 100 images per side, ten per split.
    """
    fewest = min(map(len, trainings))
    if fewest < FEWEST_SCORED:
        raise FFLError(f"an interval of the Inception Score needs at least {FEWEST_SCORED} images per side")
    # An image is part of the p(y) that it is compared with, which hides 1/m of its effect in a split of m.
    correction = fewest / (fewest - IS_SPLITS)
    of_fakes = [correction * inception_score_influence(logits) for logits in trainings]
    return compare_values(
        INCEPTION_SCORE,
        trainings.map(lambda logits: inception_score_of(logits)[0]),
        sampling=lambda weights: infinitesimal_error(of_fakes, [], weights, paired=paired),
        degrees=fewest - IS_SPLITS,
    )


def compare_precision_recall(
    real: Rows,
    trainings: Sides[Rows],
    *,
    progress: Optional[Progress] = None,
) -> tuple[Difference, Difference]:
    """Compare precision and recall of sets of features (n, d).

    Raises ``FFLError`` for fewer than 32 images on a side.
    """
    if min(len(rows) for rows in (real, *trainings)) < FEWEST_NEIGHBOURS:
        raise FFLError(
            f"an interval of precision and recall needs at least {FEWEST_NEIGHBOURS} images on each side"
        )
    halves = balanced_half_samples()
    found = [
        precision_and_recall(real, rows, neighbours=NEIGHBOURS, halves=halves, progress=progress)
        for rows in trainings
    ]
    differences = np.stack(
        [of_halves[:, 0] - of_halves[:, 1] for _, of_halves in found]
    )  # (k, splits, number)

    def error_from_halves(weights: Array, place: int) -> float:
        # Var(x − x') / 2 is the variance for half of the images; that for all is half of it.
        return float(np.sqrt(np.mean((weights @ differences[:, :, place]) ** 2)) / 2)

    precision, recall = (
        compare_values(
            metric,
            trainings.split([float(whole[place]) for whole, _ in found]),
            sampling=partial(error_from_halves, place=place),
            degrees=halves.shape[1],
        )
        for place, metric in enumerate((PRECISION, RECALL))
    )
    return precision, recall


def balanced_half_samples() -> npt.NDArray[np.bool_]:
    """Return (16, 15): 15 mutually orthogonal ways to halve 16 groups of images.

    The columns of a Hadamard matrix, as in balanced repeated replication (McCarthy 1969).
    """
    places = np.arange(GROUPS)
    common = places[:, None] & places[1:]
    ones = np.sum([(common >> bit) & 1 for bit in range(GROUPS.bit_length())], axis=0)
    halves: npt.NDArray[np.bool_] = ones % 2 == 0
    return halves
