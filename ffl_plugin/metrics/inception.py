"""The Inception network of FID (TensorFlow's inception-2015-12-05), optimised for speed.

The blocks are torch-fidelity's. Batch normalisation is folded into the convolutions and the layout is
channels-last, which nearly doubles the speed on a CPU and changes features by about 1e-6. Resizing is not
part of the network, because protocols differ in it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import Weights, load_state

FEATURES = 2048
CLASSES = 1008


class Inception(nn.Module):
    """Images (N, 3, 299, 299), float32 in [−1, 1], to (N, 2048 + 1008): pooled features, then class logits.

    The logits have no bias, as in the Inception Score.
    """

    def __init__(self, weights: Weights) -> None:
        """Build the network and load its weights; raises ``FFLError`` if they do not fit."""
        super().__init__()
        with torch.device("meta"):  # without values, which the file has
            self.trunk = nn.Sequential(inception_blocks())
            self.fc = nn.Linear(FEATURES, CLASSES)
        state = {
            name if name.startswith("fc.") else f"trunk.{name}": tensor
            for name, tensor in load_state(weights).items()
        }
        try:
            self.load_state_dict(state, assign=True)
        except RuntimeError:
            unfit = sorted(set(state) ^ set(self.state_dict())) or ["of another shape"]
            raise FFLError(
                f"{weights.path} is not the FID Inception network ({len(unfit)} tensors do not fit, "
                f"{unfit[0].removeprefix('trunk.')} first); use pt_inception-2015-12-05-6726825d.pth, "
                "or name the file's network with --features"
            ) from None
        self.requires_grad_(False).eval()
        _fold_batch_norm(self.trunk)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Tensor) -> Tensor:
        """Return features and logits side by side: (N, 3056)."""
        features = self.trunk(images.contiguous(memory_format=torch.channels_last)).flatten(1)
        return torch.cat([features, features @ self.fc.weight.T], dim=1)


def inception_blocks() -> OrderedDict[str, nn.Module]:
    """Return torch-fidelity's blocks in order, under the names of the weights file."""
    import_torchvision()
    net: Any = require("torch_fidelity.feature_extractor_inceptionv3", "FID")
    return OrderedDict(
        Conv2d_1a_3x3=net.BasicConv2d(3, 32, kernel_size=3, stride=2),
        Conv2d_2a_3x3=net.BasicConv2d(32, 32, kernel_size=3),
        Conv2d_2b_3x3=net.BasicConv2d(32, 64, kernel_size=3, padding=1),
        MaxPool_1=nn.MaxPool2d(kernel_size=3, stride=2),
        Conv2d_3b_1x1=net.BasicConv2d(64, 80, kernel_size=1),
        Conv2d_4a_3x3=net.BasicConv2d(80, 192, kernel_size=3),
        MaxPool_2=nn.MaxPool2d(kernel_size=3, stride=2),
        Mixed_5b=net.InceptionA(192, pool_features=32),
        Mixed_5c=net.InceptionA(256, pool_features=64),
        Mixed_5d=net.InceptionA(288, pool_features=64),
        Mixed_6a=net.InceptionB(288),
        Mixed_6b=net.InceptionC(768, channels_7x7=128),
        Mixed_6c=net.InceptionC(768, channels_7x7=160),
        Mixed_6d=net.InceptionC(768, channels_7x7=160),
        Mixed_6e=net.InceptionC(768, channels_7x7=192),
        Mixed_7a=net.InceptionD(768),
        Mixed_7b=net.InceptionE_1(1280),
        Mixed_7c=net.InceptionE_2(2048),
        AvgPool=nn.AdaptiveAvgPool2d(output_size=(1, 1)),
    )


def _fold_batch_norm(module: nn.Module) -> None:
    """Fold each batch normalisation into the preceding convolution, and replace it by the identity."""
    for child in module.modules():
        if isinstance(getattr(child, "bn", None), nn.BatchNorm2d):
            conv: Any = child.conv
            norm: Any = child.bn
            conv.weight, conv.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            )
            child.bn = nn.Identity()
