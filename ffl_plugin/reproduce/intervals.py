"""What several seeds say: means with 95 % intervals, and differences paired by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from ffl_plugin.metrics.uncertainty import student_quantile


@dataclass(frozen=True)
class Interval:
    """A mean and the half-width of its 95 % interval; ``half_width`` is None with one seed."""

    mean: float
    half_width: Optional[float]

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.half_width is not None and abs(self.mean) > self.half_width


def interval(values: Sequence[float]) -> Interval:
    """Student's t interval of the mean over seeds; seeds are independent trainings, so n is their number."""
    n = len(values)
    if n == 1:
        return Interval(values[0], None)
    error = float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(float(np.mean(values)), student_quantile(n - 1) * error)


def paired_difference(values: Sequence[float], baseline: Sequence[float]) -> Interval:
    """Interval of ``values - baseline``, seed by seed: a seed gives both the same start and batches."""
    if len(values) != len(baseline):
        raise ValueError(f"paired by seed, but there are {len(values)} and {len(baseline)} values")
    return interval([value - base for value, base in zip(values, baseline)])
