"""Metrics by trained networks, if their weights are available: LPIPS (AlexNet), FID and Inception Score.

FID uses the protocol of pytorch-fid, as in the paper. Nothing is downloaded here.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Optional

from ffl_plugin import metrics
from ffl_plugin.metrics import ImagePairs, Weights
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce.networks import FID_AND_IS, LPIPS


def measure_lpips(pairs: ImagePairs, progress: Progress) -> Optional[float]:
    """Mean LPIPS (Zhang et al., CVPR 2018) over pairs of 8-bit images; None if its weights are missing."""
    weights = LPIPS.find()
    if weights is None:
        return None
    return metrics.measure_pairs(pairs, metrics=(), lpips=_lpips(weights), progress=progress).mean("lpips")


def measure_inception(fake: Path, real: Path, progress: Progress) -> dict[str, Optional[float]]:
    """FID of two folders and the Inception Score of the first; None if the weights are missing.

    Features of the real images are cached beside them, and computed once for all trainings.
    """
    weights = FID_AND_IS.find()
    if weights is None:
        return {"fid": None, "is": None}
    extractor = _extractor(weights)
    protocol = metrics.find_protocol("pytorch-fid")
    cache = real.with_name(f"{real.name}-features")
    reals = extractor.extract(metrics.open_images(real), protocol, cache=cache, progress=progress)
    fakes = extractor.extract(metrics.open_images(fake), protocol, progress=progress)
    return {"fid": metrics.fid(reals, fakes).value, "is": metrics.inception_score(fakes).value}


@lru_cache(maxsize=1)
def _extractor(weights: Weights) -> metrics.Extractor:
    return metrics.Extractor(weights)


@lru_cache(maxsize=1)
def _lpips(weights: Weights) -> metrics.Lpips:
    return metrics.Lpips(weights)
