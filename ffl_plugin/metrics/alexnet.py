"""AlexNet features, from a small trained network: its last convolution, averaged over positions.

The trunk is torchvision's, as in LPIPS. No paper publishes distances on these features; they compare only
with each other, for one weights file.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import ALEXNET_FEATURES, Weights, load_torchvision

_LAYERS = 12  # of torchvision's ``features``: up to the rectified fifth convolution, before the last pooling


class AlexNetFeatures(nn.Module):
    """Maps images (N, 3, H, W), normalised for ImageNet, of at least 31 pixels per side, to (N, 256)."""

    def __init__(self, weights: Weights) -> None:
        """Build the trunk and load its weights; raises ``FFLError`` if they do not fit."""
        super().__init__()
        import_torchvision()
        models: Any = require("torchvision.models", "AlexNet's features")
        self.features = models.AlexNet().features[:_LAYERS]
        load_torchvision(self, weights, ALEXNET_FEATURES)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean of each channel over all positions: (N, 256)."""
        means: Tensor = self.features(images).mean(dim=(2, 3))
        return means
