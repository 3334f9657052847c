"""What upstreams measure on their own snapshots: which direction is better, and which values are possible.

Read off the ``metric_main.py`` of StyleGAN2-ADA d72cc7d, StyleGAN3 c233a91, EG3D 7cf1fd1, Projected GAN
e1c246b, StyleGAN-XL 4241ff9 and R3GAN 19a7ddf. Of other names nothing is assumed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ffl_plugin.metrics.difference import HIGHER, LOWER, NEITHER

BEST = "_best"  # ends the key of the row of a metric's best snapshot


@dataclass(frozen=True)
class LoggedMetric:
    """One number that an upstream logs.

    Attributes:
        direction: ``lower``, ``higher``, or empty: which is better.
        smallest, largest: the range outside of which a value is an error of its computation.
    """

    direction: str = NEITHER
    smallest: float = -math.inf
    largest: float = math.inf

    def can_be(self, value: float) -> bool:
        """Whether a value is possible, to within rounding."""
        return self.smallest <= value <= self.largest


# Distances of 2,048 features that are averages of activations of the order of 1: a mean that was off by 2 in
# each would make 8,192. Rounding makes those of equal sets negative by far less than 0.01.
FRECHET = LoggedMetric(LOWER, -0.01, 1e4)
# Unbiased, and so negative by chance where two sets are as good as equal.
KERNEL = LoggedMetric(LOWER, -1.0, 1e4)
SHARE = LoggedMetric(HIGHER, 0.0, 1.0)
PATH_LENGTH = LoggedMetric(LOWER, 0.0)
DECIBELS = LoggedMetric(HIGHER)  # PSNR of an image that moved with its input

# {N} stands for the number of images or samples in thousands, 50 in most names.
LOGGED = {
    "fid{N}": FRECHET,
    "fid{N}_full": FRECHET,
    "clipfid{N}_full": FRECHET,
    "sfid{N}_full": FRECHET,
    "rfid{N}_full": LoggedMetric(LOWER, -0.01),  # of features with random weights, of any size
    "kid{N}": KERNEL,
    "kid{N}_full": KERNEL,
    "pr{N}3_precision": SHARE,
    "pr{N}3_recall": SHARE,
    "pr{N}3_full_precision": SHARE,
    "pr{N}3_full_recall": SHARE,
    "is{N}_mean": LoggedMetric(HIGHER, 1.0 - 1e-6, 1008.0),  # the number of classes, at most
    "is{N}_std": LoggedMetric(),  # how far ten parts of the samples differ: neither is better
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
    """What is known of a metric; of one that no upstream logs, nothing.

    >>> [logged_metric(name).direction for name in ("fid50k_full", "is50k_mean", "is50k_std", "mine")]
    ['lower', 'higher', '', '']
    """
    return LOGGED.get(re.sub(r"\d+k", "{N}", name, count=1), LoggedMetric())
