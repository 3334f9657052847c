"""FID before and after: the change, and an interval that holds its noise and the bias of a finite set.

Every image's influence on FID gives the error of sampling: the reals are shared by both sides, and fakes of
one name (one seed, one input) are pairs, so that what they have in common cancels. FID of N images is too
high by about c/N, with c of its own for every generator; halving the sets shows how much of the change is
that, and the interval reaches to the change extrapolated to infinitely many images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Optional, TypeVar

import numpy as np
import numpy.typing as npt

from ffl_plugin.metrics.difference import LEVEL, Difference, compare_values, verdict
from ffl_plugin.metrics.frechet import Array, frechet_distance
from ffl_plugin.metrics.influence import frechet_influence, sampling_error
from ffl_plugin.metrics.progress import Progress

Rows = npt.NDArray[Any]
T = TypeVar("T")


def compare_fid(
    real: Rows,
    before: Sequence[Rows],
    after: Sequence[Rows],
    *,
    ddof: int = 1,
    paired: bool = False,
    level: float = LEVEL,
    progress: Optional[Progress] = None,
) -> Difference:
    """Compare the Fréchet distances of sets of features (n, d) to the real ones.

    Args:
        real: features of the real images.
        before, after: features of each training.
        ddof: of the covariance.
        paired: whether row i of every training came of the same seed or input.
        level: confidence level of the interval.
        progress: called as ``progress(done, total, what)``.
    """
    step = _Steps(progress, 4 * (len(before) + len(after)))
    values = [[step(frechet_distance(fakes, real, ddof=ddof)) for fakes in side] for side in (before, after)]
    sampling = _sampling_error(real, before, after, ddof, paired, step)
    degrees = min(len(rows) for rows in (real, *before, *after)) - 1
    plain = compare_values(
        "fid", "FID", "lower", values[0], values[1], sampling=sampling, degrees=degrees, level=level
    )
    if plain.low is None or plain.high is None:
        return plain
    halves = [[_half_distance(fakes, real, ddof, step) for fakes in side] for side in (before, after)]
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
    real: Rows, before: Sequence[Rows], after: Sequence[Rows], ddof: int, paired: bool, step: _Steps
) -> float:
    of_real: Array = np.zeros(len(real))
    of_fakes: list[Array] = []
    for side, sign in ((before, -1.0), (after, 1.0)):
        for fakes in side:
            own, shared = step(frechet_influence(fakes, real, ddof=ddof))
            of_real += sign * shared / len(side)
            of_fakes.append(sign * own / len(side))
    return sampling_error(of_real, of_fakes, paired=paired)


def _half_distance(fakes: Rows, real: Rows, ddof: int, step: _Steps) -> float:
    """Mean distance between the halves of both sets: odd with odd, even with even."""
    halves = [step(frechet_distance(fakes[k::2], real[k::2], ddof=ddof)) for k in (0, 1)]
    return float(np.mean(halves))


class _Steps:
    """Counts what is done of a known number of steps."""

    def __init__(self, progress: Optional[Progress], total: int) -> None:
        self._progress = progress
        self._done, self._total = 0, total

    def __call__(self, result: T) -> T:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total, "FID and its interval")
        return result
