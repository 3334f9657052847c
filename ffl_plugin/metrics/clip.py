"""CLIP's image encoder (Radford et al. 2021), on whose embeddings CMMD is measured (Jayasumana et al. 2024).

The network is torch-fidelity's. OpenAI publishes TorchScript, which can run code: it is opened only if its
SHA-256 is the published one, and any other file must contain tensors by name.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import CLIP, UNFIT, Weights, load_state

_PREFIX = "visual."
_PER_HEAD = 64  # channels


class ClipImages(nn.Module):
    """Maps images (N, 3, side, side), normalised for CLIP, to unnormalised embeddings (N, d).

    The weights determine the architecture: side 336 and d = 768 for ViT-L/14@336px, on which CMMD is defined.
    """

    def __init__(self, weights: Weights) -> None:
        """Build the network and load its weights; raises ``FFLError`` if they do not fit."""
        super().__init__()
        import_torchvision()
        net: Any = require("torch_fidelity.feature_extractor_clip", "CLIP")
        state = {
            name[len(_PREFIX) :]: tensor.float()
            for name, tensor in _state(weights).items()
            if name.startswith(_PREFIX)
        }
        try:
            width, _, patch, _ = state["conv1.weight"].shape
            places = round((len(state["positional_embedding"]) - 1) ** 0.5)
            self.network = net.VisionTransformer(
                input_resolution=patch * places,
                patch_size=patch,
                width=width,
                layers=len([name for name in state if name.endswith(".attn.in_proj_weight")]),
                heads=width // _PER_HEAD,
                output_dim=state["proj"].shape[1],
            )
            self.network.load_state_dict(state)
            if patch * places != 336:
                raise ValueError
        except UNFIT:
            raise FFLError(
                f"{weights.path} is not CLIP's vision transformer for 336×336 pixels; pass {CLIP.name}, from "
                f"{CLIP.url}"
            ) from None
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the projected class token: (N, d)."""
        embeddings: Tensor = self.network(images)
        return embeddings


def _state(weights: Weights) -> dict[str, Tensor]:
    if not weights.published:
        return load_state(weights, CLIP)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript
        archive: Any = torch.jit.load(weights.path, map_location="cpu")  # type: ignore[no-untyped-call]
        state: dict[str, Tensor] = archive.state_dict()
    return state
