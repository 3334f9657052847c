"""Improved precision and recall (Kynkäänniemi et al. 2019), whole and with each fold of images left out.

A set's manifold is the union of balls about its features, each reaching to the k-th nearest other feature of
the set. Precision is the share of fakes within the manifold of the reals, recall the share of reals within
that of the fakes. Leaving out images takes their balls away and widens those of their neighbours: the radii
of every fold come from one pass over the distances.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy.typing as npt
import torch
from torch import Tensor

from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.progress import Progress

_BLOCK = 256  # rows of a distance matrix at a time: 1 kB for every column
_COLUMNS = 4096  # of it computed at a time


def precision_recall_by_fold(
    real: npt.NDArray[Any],
    fake: npt.NDArray[Any],
    *,
    neighbours: int,
    folds: int,
    progress: Optional[Progress] = None,
) -> tuple[Array, Array]:
    """Precision and recall of fakes (n, d) against reals (m, d).

    Image i belongs to fold ``i % folds`` of its set; a fold leaves both sets at once.

    Returns:
        The two numbers (2,), and those without each fold (folds, 2).
    """
    reals, fakes = torch.from_numpy(real), torch.from_numpy(fake)
    precision = _covered(fakes, reals, neighbours, folds, progress)
    recall = _covered(reals, fakes, neighbours, folds, progress)
    both = torch.stack([precision, recall], dim=1).numpy()
    return both[0], both[1:]


def _covered(
    queries: Tensor, points: Tensor, neighbours: int, folds: int, progress: Optional[Progress]
) -> Tensor:
    """Share of the queries within the manifold of the points: (1 + folds,), the first with all images."""
    radii = _radii(points, neighbours, folds, progress)
    hits = torch.zeros(len(queries), 1 + folds, dtype=torch.float64)
    for start in range(0, len(queries), _BLOCK):
        distances = _distances(queries[start : start + _BLOCK], points)
        for column in range(1 + folds):
            hits[start : start + _BLOCK, column] = (distances <= radii[:, column]).any(dim=1).double()
        _report(progress, start, len(queries))
    counted = torch.ones_like(hits)
    everyone = torch.arange(len(queries))
    counted[everyone, 1 + everyone % folds] = 0
    return (hits * counted).sum(dim=0) / counted.sum(dim=0)


def _radii(points: Tensor, neighbours: int, folds: int, progress: Optional[Progress]) -> Tensor:
    """Distance to the k-th nearest other point, (n, 1 + folds): with all, and without each fold.

    A point that is left out itself has radius −1, within which nothing lies.
    """
    nearest = neighbours + 1  # the point itself is the nearest
    radii = torch.empty(len(points), 1 + folds)
    for start in range(0, len(points), _BLOCK):
        distances = _distances(points[start : start + _BLOCK], points)
        radii[start : start + _BLOCK, 0] = distances.kthvalue(nearest).values
        # The nearest of each fold are enough to find the nearest without any one fold.
        by_fold = [_smallest(distances[:, fold::folds], nearest) for fold in range(folds)]
        for fold in range(folds):
            others = torch.cat(by_fold[:fold] + by_fold[fold + 1 :], dim=1)
            radii[start : start + _BLOCK, 1 + fold] = others.kthvalue(nearest).values
        _report(progress, start, len(points))
    everyone = torch.arange(len(points))
    radii[everyone, 1 + everyone % folds] = -1
    return radii


def _distances(rows: Tensor, points: Tensor) -> Tensor:
    return torch.cat([torch.cdist(rows, columns) for columns in torch.split(points, _COLUMNS)], dim=1)


def _smallest(distances: Tensor, count: int) -> Tensor:
    return distances.topk(min(count, distances.shape[1]), dim=1, largest=False).values


def _report(progress: Optional[Progress], start: int, total: int) -> None:
    if progress is not None:
        progress(min(start + _BLOCK, total), total, "precision and recall")
