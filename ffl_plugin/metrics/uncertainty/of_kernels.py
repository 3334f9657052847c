"""KID and CMMD before and after: the variance of a U-statistic."""

from __future__ import annotations

from typing import Optional

from ffl_plugin.metrics.cmmd import GAUSSIAN, SCALE
from ffl_plugin.metrics.frechet import Rows
from ffl_plugin.metrics.metric import CMMD, CMMD_UNBIASED, KID
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty.difference import Difference, compare_values
from ffl_plugin.metrics.uncertainty.u_statistic import kernel_distances


def compare_kid(
    real: Rows,
    trainings: Sides[Rows],
    *,
    paired: bool = False,
    progress: Optional[Progress] = None,
) -> Difference:
    """Compare the KID of sets of features (n, d); the arguments are those of ``compare_fid``."""
    found = kernel_distances(real, list(trainings), paired=paired, progress=progress)
    return compare_values(
        KID,
        trainings.split(found.values),
        sampling=found.sampling,
        degrees=min(len(rows) for rows in (real, *trainings)) - 1,
    )


def compare_cmmd(
    real: Rows,
    trainings: Sides[Rows],
    *,
    paired: bool = False,
    progress: Optional[Progress] = None,
) -> tuple[Difference, Difference]:
    """Compare the CMMD of sets of embeddings (n, d), as published and unbiased.

    The arguments are those of ``compare_fid``.
    """
    found = kernel_distances(
        real, list(trainings), kernel=GAUSSIAN, paired=paired, what=CMMD.name, progress=progress
    )
    whole, unbiased = (
        compare_values(
            metric,
            trainings.split([SCALE * value for value in values]),
            sampling=lambda weights: SCALE * found.sampling(weights),
            degrees=min(len(rows) for rows in (real, *trainings)) - 1,
        )
        for metric, values in ((CMMD, found.whole), (CMMD_UNBIASED, found.values))
    )
    return whole, unbiased
