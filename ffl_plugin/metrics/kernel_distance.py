"""Kernel Inception Distance over all pairs of images, and the moments that tell how it varies.

KID (Bińkowski et al. 2018) is the unbiased squared maximum mean discrepancy with k(x, y) = (x·y/d + 1)³:

    mean k(a, a') over a ≠ a'  +  mean k(r, r') over r ≠ r'  −  2 mean k(a, r)

torch-fidelity and clean-fid average it over random subsets; the mean over all subsets is the value over all
pairs, which needs no seed. A weighted sum of such means is a U-statistic of second order, and by Hoeffding's
decomposition its variance is that of each image's own part, and of what pairs of images have beyond their
parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.progress import Progress

_BLOCK = 2048  # rows and columns of the kernel matrix at a time

Rows = npt.NDArray[Any]


@dataclass(frozen=True)
class KernelMoments:
    """Moments of h(i, j) = Σ_s w_s k(x_si, y_sj), a weighted sum of the kernels of several sets.

    Attributes:
        means: mean of each k over all pairs, without weights.
        rows: (n,) mean of h over j; where the sets are held against themselves, over j ≠ i.
        columns: (m,) mean of h over i, likewise.
        beyond: mean square of what h has beyond the parts of its row and column.
    """

    means: tuple[float, ...]
    rows: Array
    columns: Array
    beyond: float


def within(
    sets: Sequence[Rows], weights: Sequence[float] = (1.0,), *, progress: Optional[Progress] = None
) -> KernelMoments:
    """Take the moments over all pairs of different images of sets (n, d), each held against itself.

    Row i of all sets is one draw. Raises ``FFLError`` for NaN or infinite features.
    """
    sums = _Sums(sets, sets, weights, progress)
    own = [(np.sum(np.square(rows, dtype=np.float64), axis=1) / rows.shape[1] + 1) ** 3 for rows in sets]
    of_own = np.tensordot(weights, own, axes=1)
    count = len(of_own)
    pairs = count * (count - 1)
    rows = (sums.rows - of_own) / (count - 1)
    square = (sums.squares - np.sum(of_own**2)) / pairs
    mean, of_rows = rows.mean(), np.mean(rows**2)
    of_two_rows = (count**2 * mean**2 - count * of_rows) / pairs  # mean of r_i r_j over i ≠ j
    beyond = square - 2 * of_rows - mean**2 + 2 * of_two_rows
    means = [(total - np.sum(diagonal)) / pairs for total, diagonal in zip(sums.totals, own)]
    return KernelMoments(tuple(map(float, means)), rows, rows, max(float(beyond), 0.0))


def between(
    sets: Sequence[Rows],
    reals: Rows,
    weights: Sequence[float] = (1.0,),
    *,
    progress: Optional[Progress] = None,
) -> KernelMoments:
    """Take the moments over all pairs of an image of each set (n, d) and a real one (m, d), as ``within``."""
    sums = _Sums(sets, [reals] * len(sets), weights, progress)
    count, other = len(sums.rows), len(reals)
    rows, columns = sums.rows / other, sums.columns / count
    beyond = sums.squares / (count * other) - np.mean(rows**2) - np.mean(columns**2) + rows.mean() ** 2
    means = [total / (count * other) for total in sums.totals]
    return KernelMoments(tuple(map(float, means)), rows, columns, max(float(beyond), 0.0))


def kernel_distance(fakes: float, reals: float, across: float) -> float:
    """KID from the mean kernels within the fakes, within the reals, and between fakes and reals."""
    return fakes + reals - 2 * across


class _Sums:
    """Sums of h and h² over a matrix that is never held whole."""

    def __init__(
        self,
        sets: Sequence[Rows],
        others: Sequence[Rows],
        weights: Sequence[float],
        progress: Optional[Progress],
    ) -> None:
        count, other = len(sets[0]), len(others[0])
        self.rows, self.columns = np.zeros(count), np.zeros(other)
        self.totals, self.squares = [0.0] * len(sets), 0.0
        for start in range(0, count, _BLOCK):
            rows = slice(start, start + _BLOCK)
            blocks = [_block(x, rows) for x in sets]
            for first in range(0, other, _BLOCK):
                columns = slice(first, first + _BLOCK)
                combined: Any = 0.0
                for place, (block, y, weight) in enumerate(zip(blocks, others, weights)):
                    values = (block @ _block(y, columns).T / block.shape[1] + 1) ** 3
                    self.totals[place] += float(values.sum())
                    combined = combined + weight * values
                self.rows[rows] += combined.sum(axis=1)
                self.columns[columns] += combined.sum(axis=0)
                self.squares += float(np.sum(combined**2))
            if progress is not None:
                progress(min(start + _BLOCK, count), count, "KID")


def _block(rows: Rows, chosen: slice) -> Array:
    block: Array = rows[chosen].astype(np.float64)
    if not np.isfinite(block).all():
        raise FFLError("the features hold NaN or infinite values; extract them again")
    return block
