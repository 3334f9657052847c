"""Kernel Inception Distance over all pairs of images, and how much each image moves it.

KID (Bińkowski et al. 2018) is the unbiased squared maximum mean discrepancy with k(x, y) = (x·y/d + 1)³:

    mean k(a, a') over a ≠ a'  +  mean k(r, r') over r ≠ r'  −  2 mean k(a, r)

torch-fidelity and clean-fid average it over random subsets; the mean over all subsets is the value over all
pairs, which needs no seed. Its influence function is the first-order Hoeffding projection: for a fake a,
2 (mean k(a, ·) over the fakes − mean k(a, ·) over the reals) less its mean, and for a real likewise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.progress import Progress

_BLOCK = 2048  # rows and columns of the kernel matrix at a time


@dataclass(frozen=True)
class KernelMeans:
    """Means of the kernel matrix of two sets (n, d) and (m, d).

    Attributes:
        rows: (n,) mean over the second set, the image itself left out where the sets are one.
        columns: (m,) mean over the first set, likewise.
    """

    rows: Array
    columns: Array

    @property
    def mean(self) -> float:
        """Mean over all pairs."""
        return float(self.rows.mean())


def within(rows: npt.NDArray[Any], *, progress: Optional[Progress] = None) -> KernelMeans:
    """Take the means over all pairs of different images of one set (n, d)."""
    sums, _ = _sums(rows, rows, progress)
    own = (np.sum(np.square(rows, dtype=np.float64), axis=1) / rows.shape[1] + 1) ** 3
    means = (sums - own) / (len(rows) - 1)
    return KernelMeans(means, means)


def between(
    rows_a: npt.NDArray[Any], rows_b: npt.NDArray[Any], *, progress: Optional[Progress] = None
) -> KernelMeans:
    """Take the means over all pairs of one image of each set."""
    by_row, by_column = _sums(rows_a, rows_b, progress)
    return KernelMeans(by_row / len(rows_b), by_column / len(rows_a))


def kernel_distance(fakes: KernelMeans, reals: KernelMeans, across: KernelMeans) -> float:
    """KID from the means within the fakes, within the reals, and between fakes and reals."""
    return fakes.mean + reals.mean - 2 * across.mean


def kernel_influence(fakes: KernelMeans, reals: KernelMeans, across: KernelMeans) -> tuple[Array, Array]:
    """Influence of every fake (n,) and real (m,) on ``kernel_distance``, each of mean 0."""
    of_fakes = 2 * (fakes.rows - across.rows)
    of_reals = 2 * (reals.rows - across.columns)
    return of_fakes - of_fakes.mean(), of_reals - of_reals.mean()


def _sums(
    rows_a: npt.NDArray[Any], rows_b: npt.NDArray[Any], progress: Optional[Progress]
) -> tuple[Array, Array]:
    by_row, by_column = np.zeros(len(rows_a)), np.zeros(len(rows_b))
    for start in range(0, len(rows_a), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = _block(rows_a, rows)
        for first in range(0, len(rows_b), _BLOCK):
            columns = slice(first, first + _BLOCK)
            values = (block @ _block(rows_b, columns).T / rows_a.shape[1] + 1) ** 3
            by_row[rows] += values.sum(axis=1)
            by_column[columns] += values.sum(axis=0)
        if progress is not None:
            progress(min(start + _BLOCK, len(rows_a)), len(rows_a), "KID")
    return by_row, by_column


def _block(rows: npt.NDArray[Any], chosen: slice) -> Array:
    block: Array = rows[chosen].astype(np.float64)
    if not np.isfinite(block).all():
        raise FFLError("the features hold NaN or infinite values; extract them again")
    return block
