"""CMMD (Jayasumana et al. 2024): squared maximum mean discrepancy of CLIP embeddings, times 1,000.

The kernel is exp(−|x − y|²/(2σ²)) for embeddings of unit length, with σ = 10. The authors' code
(google-research/cmmd) includes the pairs of an image with itself, as in the minimum-variance estimator. They
add 1000·(1 − mean k)/N per set, more for a more varied generator. CMMD is that number; without those pairs it
is unbiased, and the verdict is based on that one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import numpy as np

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.frechet import Array
from ffl_plugin.metrics.measurement import Measurement, basis_of, refuse_different_conditions
from ffl_plugin.metrics.metric import CMMD, CMMD_UNBIASED
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.uncertainty import Kernel, kernel_distances

SIGMA = 10.0
SCALE = 1000.0
SETTINGS = "σ 10, ×1000, all pairs"


def _directions(rows: Array) -> Array:
    unit: Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


# For embeddings of unit length, |x − y|² is 2 − 2 x·y.
GAUSSIAN = Kernel(
    matrix=lambda x, y: np.exp((_directions(x) @ _directions(y).T - 1) / SIGMA**2),
    diagonal=lambda x: np.ones(len(x)),
)


def cmmd(
    real: Features, fake: Features, *, progress: Optional[Progress] = None
) -> tuple[Measurement, Measurement]:
    """Return the CMMD of two sets of embeddings, as published and unbiased, with the latter's standard error.

    Raises ``FFLError`` for sets with different conditions, of one image, or with NaN.
    """
    refuse_different_conditions(real, fake)
    if min(len(real), len(fake)) < 2:
        raise FFLError("CMMD needs at least 2 images on each side")
    found = kernel_distances(real.pool(), [fake.pool()], kernel=GAUSSIAN, what=CMMD.name, progress=progress)
    basis = replace(basis_of(real, fake), settings=(SETTINGS,))
    error = SCALE * found.sampling(np.ones(1))
    whole, unbiased = (
        Measurement(metric.name, SCALE * values[0], metric.direction, basis, error)
        for metric, values in ((CMMD, found.whole), (CMMD_UNBIASED, found.values))
    )
    return whole, unbiased
