"""Metrics by trained networks, where the weights are at hand: LPIPS (AlexNet), FID and Inception Score.

The protocol of FID is pytorch-fid's, as in the paper. Nothing is downloaded here.
"""

from __future__ import annotations

import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any, Optional

import torch

from ffl_plugin import metrics
from ffl_plugin.cache import cache_folder
from ffl_plugin.metrics import ImagePairs
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import INCEPTION
from ffl_plugin.reproduce.weights import ALEXNET


@cache
def lpips_missing() -> Optional[str]:
    """Say in one sentence why LPIPS cannot be measured, or None if it can."""
    return ALEXNET.missing("LPIPS")


def measure_lpips(pairs: ImagePairs, progress: Progress) -> Optional[float]:
    """Mean LPIPS (Zhang et al., CVPR 2018) over pairs of 8-bit images; None where its weights are missing."""
    if lpips_missing() is not None:
        return None
    network = _network()
    total = 0.0
    with torch.no_grad():
        for index in range(len(pairs)):
            fake, real = (_tensor(side.read(index)) for side in (pairs.fake, pairs.real))
            total += float(network(fake, real))
            progress(index + 1, len(pairs), "LPIPS")
    return total / len(pairs)


@cache
def inception_missing() -> Optional[str]:
    """Say in one sentence why FID and Inception Score cannot be measured, or None if they can."""
    path = cache_folder() / INCEPTION.name
    if os.environ.get("FFL_INCEPTION") or path.is_file():
        return None
    return f"FID and IS were left out: they need {INCEPTION.name}; save {INCEPTION.url} as {path}."


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
def _network() -> Any:
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips asks torchvision for weights in a deprecated way
        return require("lpips", "LPIPS").LPIPS(net="alex", version="0.1", verbose=False).eval()


def _tensor(image: Any) -> torch.Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) in [-1, 1]."""
    return torch.tensor(image).permute(2, 0, 1)[None].float() / 127.5 - 1
