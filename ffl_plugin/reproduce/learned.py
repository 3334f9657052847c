"""LPIPS, where its network's weights are at hand: the ``lpips`` package with AlexNet, as in the paper."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any, Optional

import torch

from ffl_plugin.metrics import ImagePairs
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.torchvision_operators import import_torchvision
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
def _network() -> Any:
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips asks torchvision for weights in a deprecated way
        return require("lpips", "LPIPS").LPIPS(net="alex", version="0.1", verbose=False).eval()


def _tensor(image: Any) -> torch.Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) in [-1, 1]."""
    return torch.tensor(image).permute(2, 0, 1)[None].float() / 127.5 - 1
