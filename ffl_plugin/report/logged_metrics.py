"""The metrics that upstreams measure on their snapshots: better direction and possible range.

From ``metric_main.py`` of StyleGAN2-ADA d72cc7d, StyleGAN3 c233a91, EG3D 7cf1fd1, Projected GAN e1c246b,
StyleGAN-XL 4241ff9 and R3GAN 19a7ddf. Nothing is assumed about other names.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ffl_plugin.metrics.metric import HIGHER, LOWER, NEITHER

BEST = "_best"  # suffix of the key of a row with a metric's best snapshot


@dataclass(frozen=True)
class LoggedMetric:
    """A metric that an upstream logs.

    Attributes:
        direction: which is better, ``lower`` or ``higher``; or empty.
        smallest, largest: range; values outside it are computation errors.
    """

    direction: str = NEITHER
    smallest: float = -math.inf
    largest: float = math.inf

    def can_be(self, value: float) -> bool:
        """Return whether a value is possible, up to rounding."""
        return self.smallest <= value <= self.largest


# Distances of 2,048 features, averages of activations of order 1: means that differ by 2 in each feature
# would give 8,192. Rounding makes the distance of equal sets negative by far less than 0.01.
FRECHET = LoggedMetric(LOWER, -0.01, 1e4)
# Unbiased, hence possibly negative for nearly equal sets.
KERNEL = LoggedMetric(LOWER, -1.0, 1e4)
SHARE = LoggedMetric(HIGHER, 0.0, 1.0)
PATH_LENGTH = LoggedMetric(LOWER, 0.0)
DECIBELS = LoggedMetric(HIGHER)  # equivariance as PSNR

# {N} stands for the number of images or samples in thousands, 50 in most names.
LOGGED = {
    "fid{N}": FRECHET,
    "fid{N}_full": FRECHET,
    "clipfid{N}_full": FRECHET,
    "sfid{N}_full": FRECHET,
    "rfid{N}_full": LoggedMetric(LOWER, -0.01),  # features of a random network, unbounded
    "kid{N}": KERNEL,
    "kid{N}_full": KERNEL,
    "pr{N}3_precision": SHARE,
    "pr{N}3_recall": SHARE,
    "pr{N}3_full_precision": SHARE,
    "pr{N}3_full_recall": SHARE,
    "is{N}_mean": LoggedMetric(HIGHER, 1.0 - 1e-6, 1008.0),  # at most the number of classes
    "is{N}_std": LoggedMetric(),  # standard deviation over ten splits: no better direction
    "ppl2_wend": PATH_LENGTH,
    "ppl_wend": PATH_LENGTH,
    "ppl_wfull": PATH_LENGTH,
    "ppl_zend": PATH_LENGTH,
    "ppl_zfull": PATH_LENGTH,
    "eqt{N}_int": DECIBELS,
    "eqt{N}_frac": DECIBELS,
    "eqr{N}": DECIBELS,
}


def logged_metric(name: str) -> LoggedMetric:
    """Return the properties of a metric; defaults for one that no upstream logs.

    >>> [logged_metric(name).direction for name in ("fid50k_full", "is50k_mean", "is50k_std", "mine")]
    ['lower', 'higher', '', '']
    """
    return LOGGED.get(re.sub(r"\d+k", "{N}", name, count=1), LoggedMetric())
