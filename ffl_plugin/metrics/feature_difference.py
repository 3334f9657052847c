"""FID before and after: the change, and an interval that holds its noise and the bias of a finite set.

Every image's influence on FID gives the error of sampling: the reals are shared by both sides, and fakes of
one name (one seed, one input) are pairs, so that what they have in common cancels. FID of N images is too
high by about c/N, with c of its own for every generator; halving the sets shows how much of the change is
that, and the interval reaches to the change extrapolated to infinitely many images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.difference import LEVEL, Difference, compare_values, verdict
from ffl_plugin.metrics.distance import ENOUGH, conditions, refuse_different_conditions
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.frechet import Array, frechet_distance
from ffl_plugin.metrics.influence import frechet_influence

Rows = npt.NDArray[Any]


def compare_features(
    real: Features, before: Sequence[Features], after: Sequence[Features], *, level: float = LEVEL
) -> list[Difference]:
    """Compare the FID of trainings before and after; a training is a set of features.

    Raises:
        FFLError: features of different protocols or weights, or too few images for an interval.
    """
    for fakes in (*before, *after):
        refuse_different_conditions(real, fakes)
        if min(len(real), len(fakes)) < 4:
            raise FFLError("an interval of FID needs at least 4 images on each side")
    rows = real.pool()
    ddof = real.protocol.ddof
    sides = [[fakes.pool() for fakes in side] for side in (before, after)]
    paired = len({fakes.names for fakes in (*before, *after)}) == 1
    found = compare_fid(rows, *sides, ddof=ddof, paired=paired, level=level)
    smallest = min(len(fakes) for fakes in (real, *before, *after))
    few = "" if smallest >= ENOUGH else (
        f"{smallest:,} images are fewer than {ENOUGH:,}: FID is far too high, "
        "and compares only at the same number of images. "
    )  # fmt: skip
    label = f"FID ({conditions(real, before[0])})"
    return [replace(found, label=label, note=(few + found.note).strip())]


def compare_fid(
    real: Rows,
    before: Sequence[Rows],
    after: Sequence[Rows],
    *,
    ddof: int = 1,
    paired: bool = False,
    level: float = LEVEL,
) -> Difference:
    """Compare the Fréchet distances of sets of features (n, d) to the real ones.

    Args:
        real: features of the real images.
        before, after: features of each training.
        ddof: of the covariance.
        paired: whether row i of every training came of the same seed or input.
        level: confidence level of the interval.
    """
    values = [[frechet_distance(fakes, real, ddof=ddof) for fakes in side] for side in (before, after)]
    sampling = _sampling_error(real, before, after, ddof, paired)
    degrees = min(len(rows) for rows in (real, *before, *after)) - 1
    plain = compare_values(
        "fid", "FID", "lower", values[0], values[1], sampling=sampling, degrees=degrees, level=level
    )
    if plain.low is None or plain.high is None:
        return plain
    halves = [[_half_distance(fakes, real, ddof) for fakes in side] for side in (before, after)]
    bias = float(np.mean(halves[1]) - np.mean(halves[0])) - plain.delta
    low, high = plain.low + min(-bias, 0.0), plain.high + max(-bias, 0.0)
    note = ""
    if abs(bias) > sampling:
        note = (
            f"Much of this change comes of the number of images: with infinitely many it would be about "
            f"{plain.delta - bias:+.4g}. Measure with more."
        )
    return replace(plain, low=low, high=high, verdict=verdict(low, high, plain.better), note=note)


def _sampling_error(
    real: Rows, before: Sequence[Rows], after: Sequence[Rows], ddof: int, paired: bool
) -> float:
    of_real: Array = np.zeros(len(real))
    of_fakes: list[Array] = []
    for side, sign in ((before, -1.0), (after, 1.0)):
        for fakes in side:
            own, shared = frechet_influence(fakes, real, ddof=ddof)
            of_real += sign * shared / len(side)
            of_fakes.append(sign * own / len(side))
    samples = [of_real, *([np.sum(of_fakes, axis=0)] if paired else of_fakes)]
    return float(np.sqrt(sum(np.var(sample, ddof=1) / len(sample) for sample in samples)))


def _half_distance(fakes: Rows, real: Rows, ddof: int) -> float:
    """Mean distance between the halves of both sets: odd with odd, even with even."""
    return float(np.mean([frechet_distance(fakes[k::2], real[k::2], ddof=ddof) for k in (0, 1)]))
