"""Improved precision and recall (Kynkäänniemi et al. 2019) of two sets of features, in flat memory.

A set's manifold is the union of balls about its features, each reaching to the k-th nearest other feature of
the set. Precision is the share of fakes within the manifold of the reals, recall the share of reals within
that of the fakes. torch-fidelity keeps whole rows of the distance matrix, and shows no progress.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable, Optional

import torch
from torch import Tensor

from ffl_plugin.metrics.progress import Progress

_ROWS, _COLUMNS = 1024, 4096  # of the distance matrix at a time: 16 MB


def precision_and_recall(
    real: Tensor, fake: Tensor, *, neighbours: int, progress: Optional[Progress] = None
) -> tuple[float, float]:
    """Precision and recall of fakes (n, d) against reals (m, d), both with more than ``neighbours`` rows."""
    total = 2 * (len(real) + len(fake))  # rows of the four distance matrices
    done = 0

    def report(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(done, total, "precision and recall")

    precision = _covered(fake, real, _radii(real, neighbours, report), report)
    recall = _covered(real, fake, _radii(fake, neighbours, report), report)
    return precision, recall


def _radii(points: Tensor, neighbours: int, report: Callable[[int], None]) -> Tensor:
    """Distance of each point (n, d) to its k-th nearest other: (n,)."""
    radii = []
    for rows in torch.split(points, _ROWS):
        nearest = rows.new_empty(len(rows), 0)
        for _, distances in _distances(rows, points):
            both = torch.cat([nearest, distances], dim=1)
            # One more than k: the point itself is among them.
            nearest = both.topk(min(neighbours + 1, both.shape[1]), dim=1, largest=False).values
        radii.append(nearest[:, -1])
        report(len(rows))
    return torch.cat(radii)


def _covered(queries: Tensor, points: Tensor, radii: Tensor, report: Callable[[int], None]) -> float:
    """Share of the queries (n, d) that lie within the radius (m,) of some point (m, d)."""
    covered = 0
    for rows in torch.split(queries, _ROWS):
        inside = torch.zeros(len(rows), dtype=torch.bool)
        for columns, distances in _distances(rows, points):
            inside |= (distances <= radii[columns]).any(dim=1)
        covered += int(inside.sum())
        report(len(rows))
    return covered / len(queries)


def _distances(rows: Tensor, points: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield the Euclidean distances of some rows to a run of points at a time, with the run."""
    for start in range(0, len(points), _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        yield columns, torch.cdist(rows, points[columns])
