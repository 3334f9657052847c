"""Improved precision and recall (Kynkäänniemi et al. 2019), of whole sets and of many pairs of halves.

A set's manifold is the union of balls about its features, each reaching to the k-th nearest other feature of
the set. Precision is the share of fakes within the manifold of the reals, recall the share of reals within
that of the fakes. Two halves of the images are two independent draws of half as many, so their difference
shows the error of sampling; leaving out a few images, as the jackknife does, would not, since the balls of
neighbours grow into the gap.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.progress import Progress

_BLOCK = 256  # rows of a distance matrix at a time: 1 kB for every column
_COLUMNS = 4096  # of it computed at a time


def precision_recall_of_halves(
    real: npt.NDArray[Any],
    fake: npt.NDArray[Any],
    *,
    neighbours: int,
    halves: npt.NDArray[np.bool_],
    progress: Optional[Progress] = None,
) -> tuple[Array, Array]:
    """Precision and recall of fakes (n, d) against reals (m, d).

    Args:
        real, fake: features. neighbours: k of the balls' radii. halves: (groups, splits): image i of a set
        is in group ``i % groups``, and True puts a group into the first half
            of that split, with its reals and fakes.
        progress: called as ``progress(done, total, what)``.

    Returns:
        The two numbers of the whole sets (2,), and of both halves of every split (splits, 2, 2): half,
        number.
    """
    reals, fakes, kept = torch.from_numpy(real), torch.from_numpy(fake), torch.from_numpy(halves)
    precision = _covered(fakes, reals, neighbours, kept, progress)
    recall = _covered(reals, fakes, neighbours, kept, progress)
    both = torch.stack([precision, recall], dim=-1).numpy()
    return both[0, 0], both[1:]


def _covered(
    queries: Tensor, points: Tensor, neighbours: int, halves: Tensor, progress: Optional[Progress]
) -> Tensor:
    """Share of the queries within the manifold of the points: (1 + splits, 2), first of the whole sets."""
    splits = halves.shape[1]
    radii = _radii(points, neighbours, halves, progress)
    first_of_queries, first_of_points = (
        halves[torch.arange(len(rows)) % len(halves)] for rows in (queries, points)
    )
    hits = torch.zeros(len(queries), 1 + splits, dtype=torch.float64)
    for start in range(0, len(queries), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distances = _distances(queries[rows], points)
        hits[rows, 0] = (distances <= radii[:, 0]).any(dim=1).double()
        for split in range(splits):
            together = first_of_queries[rows, split, None] == first_of_points[:, split]
            hits[rows, 1 + split] = ((distances <= radii[:, 1 + split]) & together).any(dim=1).double()
        _report(progress, start, len(queries))
    first = first_of_queries.double()
    whole = hits[:, 0].mean().expand(1, 2)
    shares = [(hits[:, 1:] * half).sum(dim=0) / half.sum(dim=0) for half in (first, 1 - first)]
    return torch.cat([whole, torch.stack(shares, dim=1)])


def _radii(points: Tensor, neighbours: int, halves: Tensor, progress: Optional[Progress]) -> Tensor:
    """Distance to the k-th nearest other point, (n, 1 + splits): of all, and of the half it is in itself."""
    nearest = neighbours + 1  # the point itself is the nearest
    groups, splits = halves.shape
    radii = torch.empty(len(points), 1 + splits)
    for start in range(0, len(points), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distances = _distances(points[rows], points)
        radii[rows, 0] = distances.kthvalue(nearest).values
        # The nearest of each group are enough to find the nearest of any half.
        by_group = torch.stack(
            [_smallest(distances[:, group::groups], nearest) for group in range(groups)], dim=1
        )
        own = torch.arange(start, start + len(distances)) % groups
        for split in range(splits):
            together = halves[:, split] == halves[own, split, None]
            others = by_group.masked_fill(~together[:, :, None], torch.inf).flatten(1)
            radii[rows, 1 + split] = others.kthvalue(nearest).values
        _report(progress, start, len(points))
    return radii


def _distances(rows: Tensor, points: Tensor) -> Tensor:
    return torch.cat([torch.cdist(rows, columns) for columns in torch.split(points, _COLUMNS)], dim=1)


def _smallest(distances: Tensor, count: int) -> Tensor:
    """Return the ``count`` smallest of each row, infinite where there are fewer."""
    found = distances.topk(min(count, distances.shape[1]), dim=1, largest=False).values
    return functional.pad(found, (0, count - found.shape[1]), value=torch.inf)


def _report(progress: Optional[Progress], start: int, total: int) -> None:
    if progress is not None:
        progress(min(start + _BLOCK, total), total, "precision and recall")
