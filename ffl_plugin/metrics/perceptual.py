"""LPIPS (Zhang et al., CVPR 2018) with AlexNet, version 0.1, of the ``lpips`` package, as in the paper.

The package contains its linear layers; the trunk's weights are torchvision's, never unpickled.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Optional

import numpy.typing as npt
import torch
from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.devices import find_device
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import ALEXNET, Weights, WeightsMissing, find_weights, load_torchvision

# Below this size, AlexNet's second pooling has no input left.
SMALLEST = 31  # pixels


class Lpips:
    """The network with its weights, on one device."""

    def __init__(self, weights: Weights, *, device: Optional[str] = None) -> None:
        """Load torchvision's AlexNet; raises ``FFLError`` if the file does not fit."""
        self.weights = weights
        self.device = find_device(device)
        self._network = _network(weights).to(self.device)

    @property
    def conditions(self) -> str:
        """The conditions of its numbers, as text."""
        return f"alex v0.1; weights {self.weights.sha256[:8]}"

    def __call__(self, pred: npt.NDArray[Any], target: npt.NDArray[Any]) -> float:
        """Distance of two images (H, W, 3) with values in [0, 255]; raises ``FFLError`` below 31 pixels."""
        return float(self.distances(torch.tensor(pred)[None], torch.tensor(target)[None]))

    @torch.inference_mode()
    def distances(self, pred: Tensor, target: Tensor) -> Tensor:
        """Distances of pairs of images (B, H, W, 3) with values in [0, 255]: (B,), on the network's device.

        Raises ``FFLError`` below 31 pixels.
        """
        _, height, width, _ = pred.shape
        if min(height, width) < SMALLEST:
            raise FFLError(
                f"LPIPS needs images of at least {SMALLEST}x{SMALLEST} pixels, not {width}x{height}"
            )
        distances: Tensor = self._network(*(self._prepared(images) for images in (pred, target)))
        return distances.flatten()

    def _prepared(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) in [0, 255] -> (B, 3, H, W) in [−1, 1]."""
        return images.to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1


def find_lpips(
    path: Optional[Path] = None,
    *,
    may_download: bool = True,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> tuple[Optional[Lpips], tuple[str, ...]]:
    """Return the network and remarks on its weights: missing, or not torchvision's.

    Arguments and ``FFLError`` as for ``find_weights``, but missing weights give a remark.
    """
    try:
        weights = find_weights(path, release=ALEXNET, may_download=may_download, progress=progress)
    except WeightsMissing as error:
        return None, (f"LPIPS was not measured: {error}.",)
    if weights.published:
        return Lpips(weights, device=device), ()
    return Lpips(weights, device=device), (
        f"{weights.path} (SHA-256 {weights.sha256[:8]}) is not torchvision's AlexNet file: LPIPS values are "
        "comparable only with this file.",
    )


def _network(weights: Weights) -> Any:
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips uses a deprecated torchvision interface
        network = require("lpips", "LPIPS").LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    # lpips slices torchvision's ``features``; the modules keep their numbers.
    load_torchvision(network.net, weights, ALEXNET, lambda name: f"features.{name.partition('.')[2]}")
    return network.requires_grad_(False).eval()
