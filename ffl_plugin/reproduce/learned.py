"""Metrics by trained networks, where the weights are at hand: LPIPS (AlexNet), FID and Inception Score.

The protocol of FID is pytorch-fid's, as in the paper. Nothing is downloaded here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Optional

from ffl_plugin import metrics
from ffl_plugin.metrics import ImagePairs
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.weights import ALEXNET, INCEPTION, Release


@cache
def lpips_missing() -> Optional[str]:
    """Say in one sentence why LPIPS cannot be measured, or None if it can."""
    return _missing(ALEXNET, "LPIPS was")


def measure_lpips(pairs: ImagePairs, progress: Progress) -> Optional[float]:
    """Mean LPIPS (Zhang et al., CVPR 2018) over pairs of 8-bit images; None where its weights are missing."""
    network = _lpips()
    if network is None:
        return None
    return metrics.measure_pairs(pairs, metrics=(), lpips=network, progress=progress).mean("lpips")


@cache
def inception_missing() -> Optional[str]:
    """Say in one sentence why FID and Inception Score cannot be measured, or None if they can."""
    return _missing(INCEPTION, "FID and IS were")


def _missing(release: Release, what: str) -> Optional[str]:
    try:
        metrics.find_weights(release=release, may_download=False)
    except metrics.WeightsMissing as error:
        return f"{what} left out: {error}."
    return None


def measure_inception(fake: Path, real: Path, progress: Progress) -> dict[str, Optional[float]]:
    """FID of two folders and the Inception Score of the first; None where the weights are missing.

    Features of the real images are kept beside them, and computed once for all trainings.
    """
    if inception_missing() is not None:
        return {"fid": None, "is": None}
    protocol = metrics.find_protocol("pytorch-fid")
    kept = real.with_name(f"{real.name}-features")
    reals = _extractor().extract(metrics.open_images(real), protocol, cache=kept, progress=progress)
    fakes = _extractor().extract(metrics.open_images(fake), protocol, progress=progress)
    return {"fid": metrics.fid(reals, fakes).value, "is": metrics.inception_score(fakes).value}


@cache
def _extractor() -> metrics.Extractor:
    return metrics.Extractor(metrics.find_weights())


@cache
def _lpips() -> Optional[metrics.Lpips]:
    return metrics.find_lpips(may_download=False)[0]
