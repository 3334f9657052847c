"""The class token of DINOv2 (Oquab et al. 2023), on which FD-DINOv2 is measured (Stein et al. 2023).

The network is timm's. Its resizing of the position embedding, which was trained at 518×518, differs from the
original: bicubic, not antialiased, by a factor of (16 + 0.1)/37. The original's is implemented here.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import DINOV2, UNFIT, Weights, load_state

_SIDE = 224  # pixels
_PER_HEAD = 64  # channels
_OFFSET = 0.1  # ``interpolate_offset`` of the original


class DinoV2(nn.Module):
    """Maps images (N, 3, 224, 224), normalised for ImageNet, to the final class token (N, width).

    The weights determine width and depth: 1024 and 24 for ViT-L/14, as in the paper.
    """

    def __init__(self, weights: Weights) -> None:
        """Build the network and load its weights; raises ``FFLError`` if they do not fit."""
        super().__init__()
        import_torchvision()
        timm: Any = require("timm.models.vision_transformer", "DINOv2", extra="dinov2")
        state = load_state(weights, DINOV2)
        try:
            state.pop("mask_token", None)  # used in training only
            patch = state["patch_embed.proj.weight"]
            width, side = patch.shape[0], patch.shape[-1]
            self.network = timm.VisionTransformer(
                img_size=_SIDE,
                patch_size=side,
                num_classes=0,
                embed_dim=width,
                depth=1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks.")),
                num_heads=width // _PER_HEAD,
                init_values=1.0,
            )
            state["pos_embed"] = _resized(state["pos_embed"], _SIDE // side)
            self.network.load_state_dict(state)
        except UNFIT:
            raise FFLError(
                f"{weights.path} is not DINOv2's ViT-S/14, ViT-B/14 or ViT-L/14 without registers; pass "
                f"{DINOV2.name}, from {DINOV2.url}"
            ) from None
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the class token: (N, width)."""
        token: Tensor = self.network(images)
        return token


def _resized(embedding: Tensor, places: int) -> Tensor:
    """Resize (1, 1 + M², width), with the class token first, to (1, 1 + places², width)."""
    token, grid = embedding[:, :1], embedding[:, 1:]
    side = round(grid.shape[1] ** 0.5)
    if side == places:
        return embedding
    factor = (places + _OFFSET) / side
    grid = F.interpolate(
        grid.float().reshape(1, side, side, -1).permute(0, 3, 1, 2),
        scale_factor=(factor, factor),
        mode="bicubic",
    )
    return torch.cat([token, grid.flatten(2).transpose(1, 2)], dim=1)
