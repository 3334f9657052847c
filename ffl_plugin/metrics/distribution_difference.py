"""KID, Inception Score, precision and recall before and after, with intervals.

The reals, which both sides share, and the fakes are drawn again; fakes of one name (one seed, one input) are
drawn together. KID is a U-statistic, whose variance is known to its last term; the Inception Score is smooth
in the weight of an image, so its influence function gives the error, as for FID. Precision and recall count
nearest neighbours, and the difference of two halves of the images shows their error. All but KID depend on
the number of images, and the interval is for that number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.difference import LEVEL, Difference, compare_values
from ffl_plugin.metrics.distribution import (
    IS_SPLITS,
    NEIGHBOURS,
    inception_score_influence,
    inception_score_of,
)
from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.influence import sampling_error
from ffl_plugin.metrics.kernel_distance import between, kernel_distance, within
from ffl_plugin.metrics.neighbourhoods import precision_and_recall
from ffl_plugin.metrics.progress import Progress

Rows = npt.NDArray[Any]

GROUPS = 16  # a power of 2
# Images on each side.
FEWEST_NEIGHBOURS = 2 * GROUPS  # for precision and recall: no half without 16
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
    signs = [-1 / len(before)] * len(before) + [1 / len(after)] * len(after)
    trainings = list(zip(signs, (*before, *after)))
    of_real: Array = np.zeros(len(real))
    of_fakes: list[Array] = []
    values: list[float] = []
    second_order = 0.0
    reals = within([real], progress=progress).means[0]
    for together in [trainings] if paired else [[one] for one in trainings]:
        weights, sets = zip(*together)
        inner = within(sets, weights, progress=progress)
        across = between(sets, real, weights, progress=progress)
        values += [kernel_distance(own, reals, other) for own, other in zip(inner.means, across.means)]
        of_fakes.append(2 * (inner.rows - across.rows))
        of_real -= 2 * across.columns
        count = len(inner.rows)
        second_order += 2 * inner.beyond / count**2 + 4 * across.beyond / (count * len(real))
    # The parts of single images are known from these images only, which holds the second order twice.
    squares = sampling_error(of_real, of_fakes, paired=False) ** 2
    return compare_values(
        "kid",
        "KID",
        "lower",
        values[: len(before)],
        values[len(before) :],
        sampling=float(np.sqrt(squares - min(second_order, squares / 2))),
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
    halves = _balanced_halves()
    found = [
        [
            precision_and_recall(real, rows, neighbours=NEIGHBOURS, halves=halves, progress=progress)
            for rows in side
        ]
        for side in (before, after)
    ]
    means = [np.mean([of_halves for _, of_halves in side], axis=0) for side in found]
    changes = means[1] - means[0]  # (splits, half, number)
    # Var(x − x') / 2 is the variance of half as many images, and that of all is half of it.
    errors = np.sqrt(np.mean((changes[:, 0] - changes[:, 1]) ** 2, axis=0)) / 2
    precision, recall = (
        compare_values(
            name.lower(),
            name,
            "higher",
            *([float(whole[place]) for whole, _ in side] for side in found),
            sampling=float(errors[place]),
            degrees=len(changes),
            level=level,
        )
        for place, name in enumerate(("Precision", "Recall"))
    )
    return precision, recall


def _balanced_halves() -> npt.NDArray[np.bool_]:
    """Return (16, 15): 15 ways to halve 16 groups of images, each independent of the others.

    The columns of a Hadamard matrix, as in balanced repeated replication (McCarthy 1969).
    """
    places = np.arange(GROUPS)
    common = places[:, None] & places[1:]
    ones = np.sum([(common >> bit) & 1 for bit in range(GROUPS.bit_length())], axis=0)
    halves: npt.NDArray[np.bool_] = ones % 2 == 0
    return halves
