"""Improved precision and recall (Kynkäänniemi et al. 2019), for whole sets and halves, in constant memory.

A set's manifold is the union of balls around its features, each reaching to its k-th nearest neighbour in the
set. Precision is the share of fakes within the manifold of the reals, recall the share of reals within that
of the fakes. torch-fidelity stores whole rows of the distance matrix, and shows no progress.

Two halves of the images are two independent samples of half the size, so their difference shows the sampling
error. Leaving out a few images, as the jackknife does, would not, since neighbouring balls grow into the gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, Optional

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.progress import Progress

_ROWS, _COLUMNS = 1024, 4096  # of the distance matrix per block: 16 MB
_WHOLE = np.zeros((1, 0), dtype=bool)  # no halves

Report = Callable[[int], None]


def precision_and_recall(
    real: npt.NDArray[Any],
    fake: npt.NDArray[Any],
    *,
    neighbours: int,
    halves: npt.NDArray[np.bool_] = _WHOLE,
    progress: Optional[Progress] = None,
) -> tuple[Array, Array]:
    """Precision and recall of fakes (n, d) against reals (m, d), both with more than ``neighbours`` rows.

    Args:
        real, fake: features.
        neighbours: k, which sets the balls' radii.
        halves: (groups, splits): image i of a set is in group ``i % groups``; True puts a group in the first
            half of that split, with its reals and fakes.
        progress: called as ``progress(done, total, what)``.

    Returns:
        The two numbers of the whole sets, (2,), and of both halves of every split, (splits, 2, 2): half,
        then number.
    """
    reals, fakes, first = torch.from_numpy(real), torch.from_numpy(fake), torch.from_numpy(halves)
    total = 2 * (len(reals) + len(fakes))  # rows of the four distance matrices
    done = 0

    def report(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(done, total, "precision and recall")

    shares = [
        _covered(queries, points, _radii(points, neighbours, first, report), first, report)
        for queries, points in ((fakes, reals), (reals, fakes))
    ]
    both = torch.stack(shares, dim=-1).numpy()
    return both[0, 0], both[1:]


def _radii(points: Tensor, neighbours: int, halves: Tensor, report: Report) -> Tensor:
    """Distance to the k-th nearest other point, (n, 1 + splits): in the whole set, and in its own half."""
    groups, splits = halves.shape
    radii = points.new_empty(len(points), 1 + splits)
    for chosen, rows in _runs(points, _ROWS):
        # The nearest points of each group suffice to find the nearest of any half.
        nearest = rows.new_full((len(rows), groups, neighbours + 1), torch.inf)
        for columns, distances in _distances(rows, points):
            for group in range(groups):
                found = distances[:, (group - columns.start) % groups :: groups]
                both = torch.cat([nearest[:, group], found], dim=1)
                # k + 1, because the point itself is among them.
                nearest[:, group] = both.topk(neighbours + 1, dim=1, largest=False).values
        radii[chosen, 0] = nearest.flatten(1).kthvalue(neighbours + 1).values
        own = halves[torch.arange(chosen.start, chosen.start + len(rows)) % groups]
        for split in range(splits):
            apart = own[:, split, None] != halves[:, split]
            others = nearest.masked_fill(apart[:, :, None], torch.inf).flatten(1)
            radii[chosen, 1 + split] = others.kthvalue(neighbours + 1).values
        report(len(rows))
    return radii


def _covered(queries: Tensor, points: Tensor, radii: Tensor, halves: Tensor, report: Report) -> Tensor:
    """Share of the queries (n, d) within the radius (m, 1 + splits) of a point of their own half.

    Returns (1 + splits, 2): both halves; the first row has the whole set twice.
    """
    groups, splits = halves.shape
    of_queries, of_points = (halves[torch.arange(len(rows)) % groups] for rows in (queries, points))
    inside = torch.zeros(len(queries), 1 + splits, dtype=torch.bool)
    for chosen, rows in _runs(queries, _ROWS):
        for columns, distances in _distances(rows, points):
            inside[chosen, 0] |= (distances <= radii[columns, 0]).any(dim=1)
            for split in range(splits):
                together = of_queries[chosen, split, None] == of_points[columns, split]
                reached = distances <= radii[columns, 1 + split]
                inside[chosen, 1 + split] |= (reached & together).any(dim=1)
        report(len(rows))
    hits = inside.double()
    shares = [
        torch.cat([hits[:, :1].mean(dim=0), (hits[:, 1:] * half).sum(dim=0) / half.sum(dim=0)])
        for half in (of_queries.double(), (~of_queries).double())
    ]
    return torch.stack(shares, dim=1)


def _distances(rows: Tensor, points: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield the Euclidean distances of rows to blocks of points, with each block's slice."""
    for columns, run in _runs(points, _COLUMNS):
        yield columns, torch.cdist(rows, run)


def _runs(rows: Tensor, length: int) -> Iterator[tuple[slice, Tensor]]:
    for start in range(0, len(rows), length):
        chosen = slice(start, min(start + length, len(rows)))
        yield chosen, rows[chosen]
