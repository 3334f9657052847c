"""Squared maximum mean discrepancy over all pairs of images, and the moments of its variance.

KID (Bińkowski et al. 2018) is the unbiased estimator with k(x, y) = (x·y/d + 1)³:

    mean k(a, a') over a ≠ a'  +  mean k(r, r') over r ≠ r'  −  2 mean k(a, r)

torch-fidelity and clean-fid average it over random subsets; the mean over all subsets equals the value over
all pairs, which needs no seed. CMMD has another kernel, and as published its means include a = a' and r = r'.

A weighted sum of such means is a U-statistic of second order. By Hoeffding's decomposition its variance is
the sum of first-order terms of single images and second-order terms of pairs. Both are quadratic in the
weights, so the moments of kernels and of products of two kernels determine it for any weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np

from ffl_plugin.metrics.frechet import Array, Rows, refuse_not_finite
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.uncertainty.jackknife import infinitesimal_error

_BLOCK = 1024  # rows and columns of the kernel matrices at a time

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Kernel:
    """A kernel of two features.

    Attributes:
        matrix: maps (n, d) and (m, d) to the kernel matrix (n, m).
        diagonal: maps (n, d) to the kernel of each row with itself, (n,).
    """

    matrix: Callable[[Array, Array], Array]
    diagonal: Callable[[Rows], Array]


CUBIC = Kernel(
    matrix=lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3,
    diagonal=lambda x: (np.sum(np.square(x, dtype=np.float64), axis=1) / x.shape[1] + 1) ** 3,
)


@dataclass(frozen=True)
class KernelMoments:
    """Moments of the kernel matrices k_s(i, j) = k(x_si, y_sj) of several sets s.

    Attributes:
        means: (s,) means over all pairs; within a set, of different images.
        whole: (s,) means over all pairs, including those of an image with itself.
        rows: (s, n) means over j; within a set, over j ≠ i.
        columns: (s, m) means over i, likewise.
        beyond: (s, s) mean products of the second-order terms of k_s and k_t.
    """

    means: Array
    whole: Array
    rows: Array
    columns: Array
    beyond: Array


def within(
    sets: Sequence[Rows], *, kernel: Kernel = CUBIC, advance: Optional[Advance] = None
) -> KernelMoments:
    """Compute the moments over all pairs of different images within each set (n, d).

    Row i of all sets is one draw. ``advance`` is called with numbers of completed rows. Raises ``FFLError``
    for NaN or infinite features.
    """
    sums = _Sums(sets, sets, kernel, advance)
    own = np.stack([kernel.diagonal(x) for x in sets])
    count = own.shape[1]
    pairs = count * (count - 1)
    rows = (sums.rows - own) / (count - 1)
    means = rows.mean(axis=1)
    squares = (sums.squares - own @ own.T) / pairs
    of_rows, of_means = rows @ rows.T / count, np.outer(means, means)
    of_two_rows = (count**2 * of_means - count * of_rows) / pairs  # mean of r_i r_j over i ≠ j
    whole = sums.rows.mean(axis=1) / count
    return KernelMoments(means, whole, rows, rows, squares - 2 * of_rows - of_means + 2 * of_two_rows)


def between(
    sets: Sequence[Rows], reals: Rows, *, kernel: Kernel = CUBIC, advance: Optional[Advance] = None
) -> KernelMoments:
    """Compute the moments over all pairs of an image of each set (n, d) and a real one (m, d)."""
    sums = _Sums(sets, [reals] * len(sets), kernel, advance)
    count, other = sums.rows.shape[1], len(reals)
    rows, columns = sums.rows / other, sums.columns / count
    means = rows.mean(axis=1)
    squares = sums.squares / (count * other)
    of_rows, of_columns = rows @ rows.T / count, columns @ columns.T / other
    return KernelMoments(means, means, rows, columns, squares - of_rows - of_columns + np.outer(means, means))


@dataclass(frozen=True)
class KernelDistances:
    """MMD² of several sets to one real set.

    Attributes:
        values: (s,) unbiased MMD² of each set.
        whole: (s,) the same including the pairs of an image with itself, a V-statistic: biased upwards by up
            to the mean of k(x, x) − k(x, y) over the number of images, for each set.
        sampling: maps weights (s,) to the standard error of the weighted sum of the values.
    """

    values: tuple[float, ...]
    whole: tuple[float, ...]
    sampling: Callable[[Array], float]


def kernel_distances(
    real: Rows,
    sets: Sequence[Rows],
    *,
    kernel: Kernel = CUBIC,
    paired: bool = False,
    what: str = "KID",
    progress: Optional[Progress] = None,
) -> KernelDistances:
    """Measure MMD² of sets (n, d) to real features (m, d) over all pairs, with the error of the U-statistic.

    Args:
        real, sets: features.
        kernel: k(x, y).
        paired: whether row i of every set has the same seed or input.
        what: name of the metric, for the progress.
        progress: called as ``progress(done, total, what)``.

    Raises:
        FFLError: NaN or infinite features.
    """
    values: list[float] = []
    whole: list[float] = []
    of_fakes: list[Array] = []
    of_reals: list[Array] = []
    second_order = np.zeros((len(sets), len(sets)))
    rows, done = len(real) + 2 * sum(map(len, sets)), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, rows, what)

    reals = within([real], kernel=kernel, advance=advance)
    # In a difference of two sets, the kernels within the reals cancel.
    second_order += 2 * reals.beyond[0, 0] / len(real) ** 2
    places = range(len(sets))
    for drawn_together in [places] if paired else [[place] for place in places]:
        drawn = [sets[place] for place in drawn_together]
        inner = within(drawn, kernel=kernel, advance=advance)
        across = between(drawn, real, kernel=kernel, advance=advance)
        for place, other in enumerate(across.means):
            values.append(inner.means[place] + reals.means[0] - 2 * other)
            whole.append(inner.whole[place] + reals.whole[0] - 2 * other)
        of_fakes += list(2 * (inner.rows - across.rows))
        of_reals += list(2 * (reals.rows - across.columns))
        count = len(drawn[0])
        second_order[np.ix_(drawn_together, drawn_together)] += (
            2 * inner.beyond / count** 2 + 4 * across.beyond / (count * len(real))
        )

    def sampling(weights: Array) -> float:
        squares = infinitesimal_error(of_fakes, of_reals, weights, paired=paired) ** 2
        # First-order terms are estimated from the same images, which counts the second order twice.
        twice = max(float(weights @ second_order @ weights), 0.0)
        return float(np.sqrt(squares - min(twice, squares / 2)))

    return KernelDistances(tuple(map(float, values)), tuple(map(float, whole)), sampling)


class _Sums:
    """Sums of k_s and of k_s k_t over kernel matrices, computed in blocks."""

    def __init__(
        self, sets: Sequence[Rows], others: Sequence[Rows], kernel: Kernel, advance: Optional[Advance]
    ) -> None:
        count, other = len(sets[0]), len(others[0])
        self.rows, self.columns = np.zeros((len(sets), count)), np.zeros((len(sets), other))
        self.squares = np.zeros((len(sets), len(sets)))
        for start in range(0, count, _BLOCK):
            rows = slice(start, start + _BLOCK)
            blocks = [_block(x, rows) for x in sets]
            for first in range(0, other, _BLOCK):
                columns = slice(first, first + _BLOCK)
                kernels = np.stack([kernel.matrix(x, _block(y, columns)) for x, y in zip(blocks, others)])
                self.rows[:, rows] += kernels.sum(axis=2)
                self.columns[:, columns] += kernels.sum(axis=1)
                self.squares += np.tensordot(kernels, kernels, axes=((1, 2), (1, 2)))
            if advance is not None:
                advance(sum(map(len, blocks)))


def _block(rows: Rows, chosen: slice) -> Array:
    block: Array = rows[chosen].astype(np.float64)
    refuse_not_finite(block)
    return block
