"""KID, Inception Score, precision and recall before and after, with intervals.

The reals, which both sides share, and the fakes are drawn again; fakes of one name (one seed, one input) are
drawn together. KID and IS are smooth in the weight of an image, so their influence functions give the error,
as for FID. Precision and recall count nearest neighbours, and are jackknifed: a twentieth of every set
leaves at once, which moves neighbours more than other images would, and makes their intervals about twice as
wide as they need be. All but KID depend on the number of images, and the interval is for that number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.difference import LEVEL, Difference, compare_values, jackknife_error
from ffl_plugin.metrics.distribution import (
    IS_SPLITS,
    NEIGHBOURS,
    inception_score_influence,
    inception_score_of,
)
from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.influence import sampling_error
from ffl_plugin.metrics.kernel_distance import (
    KernelMeans,
    between,
    kernel_distance,
    kernel_influence,
    within,
)
from ffl_plugin.metrics.neighbourhoods import precision_recall_by_fold
from ffl_plugin.metrics.progress import Progress

Rows = npt.NDArray[Any]

FOLDS = 20
# Images on each side.
FEWEST_NEIGHBOURS = 2 * FOLDS  # for precision and recall: no fold without two
FEWEST_SCORED = 10 * IS_SPLITS  # for the Inception Score


def compare_kid(
    real: Rows,
    before: Sequence[Rows],
    after: Sequence[Rows],
    *,
    paired: bool = False,
    level: float = LEVEL,
    progress: Optional[Progress] = None,
) -> Difference:
    """Compare the KID of sets of features (n, d); arguments as of ``compare_fid``."""
    reals = within(real, progress=progress)
    values: tuple[list[float], list[float]] = ([], [])
    of_real: Array = np.zeros(len(real))
    of_fakes: list[Array] = []
    for side, found, sign in ((before, values[0], -1.0), (after, values[1], 1.0)):
        for rows in side:
            means: tuple[KernelMeans, KernelMeans, KernelMeans]
            means = (within(rows, progress=progress), reals, between(rows, real, progress=progress))
            found.append(kernel_distance(*means))
            own, shared = kernel_influence(*means)
            of_real += sign * shared / len(side)
            of_fakes.append(sign * own / len(side))
    return compare_values(
        "kid",
        "KID",
        "lower",
        *values,
        sampling=sampling_error(of_real, of_fakes, paired=paired),
        degrees=min(len(rows) for rows in (real, *before, *after)) - 1,
        level=level,
    )


def compare_inception_score(
    before: Sequence[Rows], after: Sequence[Rows], *, paired: bool = False, level: float = LEVEL
) -> Difference:
    """Compare the Inception Score of sets of logits (n, classes).

    Raises ``FFLError`` for fewer than 100 images on a side: ten a split.
    """
    fewest = min(len(logits) for logits in (*before, *after))
    if fewest < FEWEST_SCORED:
        raise FFLError(f"an interval of the Inception Score needs at least {FEWEST_SCORED} images a side")
    # An image is part of the p(y) that it is held against, which hides 1/m of what it does in a split of m.
    held_against_others = fewest / (fewest - IS_SPLITS)
    of_fakes = [
        sign * inception_score_influence(logits) / len(side)
        for side, sign in ((before, -1.0), (after, 1.0))
        for logits in side
    ]
    return compare_values(
        "is",
        "Inception Score",
        "higher",
        *([inception_score_of(logits)[0] for logits in side] for side in (before, after)),
        sampling=held_against_others * sampling_error(np.zeros(0), of_fakes, paired=paired),
        degrees=fewest - IS_SPLITS,
        level=level,
    )


def compare_precision_recall(
    real: Rows,
    before: Sequence[Rows],
    after: Sequence[Rows],
    *,
    level: float = LEVEL,
    progress: Optional[Progress] = None,
) -> tuple[Difference, Difference]:
    """Compare precision and recall of sets of features (n, d).

    Raises ``FFLError`` for fewer than 40 images on a side.
    """
    if min(len(rows) for rows in (real, *before, *after)) < FEWEST_NEIGHBOURS:
        raise FFLError(
            f"an interval of precision and recall needs at least {FEWEST_NEIGHBOURS} images on each side"
        )
    found = [
        [
            precision_recall_by_fold(real, rows, neighbours=NEIGHBOURS, folds=FOLDS, progress=progress)
            for rows in side
        ]
        for side in (before, after)
    ]
    folded = [np.mean([left_out for _, left_out in side], axis=0) for side in found]
    precision, recall = (
        compare_values(
            name.lower(),
            name,
            "higher",
            *([float(whole[place]) for whole, _ in side] for side in found),
            sampling=jackknife_error(folded[1][:, place] - folded[0][:, place]),
            degrees=FOLDS - 1,
            level=level,
        )
        for place, name in enumerate(("Precision", "Recall"))
    )
    return precision, recall
