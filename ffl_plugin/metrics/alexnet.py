"""AlexNet's features, as small a trained network as there is: its last convolution, averaged over places.

The trunk is torchvision's, the one that LPIPS has. No paper publishes distances on these features: they
compare only with each other, at one file of weights.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import ALEXNET, Weights, load_state

_LAYERS = 12  # of torchvision's ``features``: up to the rectified fifth convolution, before the last pooling


class AlexNetFeatures(nn.Module):
    """Images (N, 3, H, W), normalised as ImageNet's, at least 31 pixels a side, to (N, 256)."""

    def __init__(self, weights: Weights) -> None:
        """Build the trunk and load its weights; raises ``FFLError`` when they do not fit."""
        super().__init__()
        import_torchvision()
        models: Any = require("torchvision.models", "AlexNet's features")
        self.features = models.AlexNet().features[:_LAYERS]
        state = load_state(weights, ALEXNET)
        try:
            self.load_state_dict({name: state[name] for name in self.state_dict()})
        except (KeyError, RuntimeError):
            raise FFLError(
                f"{weights.path} is not torchvision's AlexNet; give {ALEXNET.name}, from {ALEXNET.url}"
            ) from None
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean over all places of each channel: (N, 256)."""
        means: Tensor = self.features(images).mean(dim=(2, 3))
        return means
