"""What a published FID number means: how images reach the network, and how the covariance is taken.

Numbers of different protocols are not comparable, so the protocol is named beside every number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.decode import Pixels
from ffl_plugin.metrics.inception import SIDE
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.torchvision_operators import import_torchvision


@dataclass(frozen=True)
class Protocol:
    """One way to compute FID.

    Attributes:
        name: as the user writes it.
        resize: the resize to 299×299, in words.
        ddof: 0 divides the covariance by N, 1 by N − 1.
        prepare: uint8 (H, W, 3) to float32 (3, 299, 299) in about [−1, 1].
        one_size: whether all images of a set must have one size.
        transparency: whether an alpha channel is dropped (or refused).
    """

    name: str
    resize: str
    ddof: int
    prepare: Callable[[Pixels], Tensor]
    one_size: bool
    transparency: bool

    def __str__(self) -> str:
        """Name and resize, as printed beside a number."""
        return f"{self.name}: {self.resize}"

    @property
    def covariance(self) -> str:
        """What the covariance is divided by, as printed beside FID."""
        return f"covariance ÷{'N' if self.ddof == 0 else '(N−1)'}"


def _tensorflow_bilinear(image: Pixels) -> Tensor:
    """Resize as TensorFlow 1 did: samples at i·H/299, no half-pixel centres, no antialiasing."""
    import_torchvision()
    module = require("torch_fidelity.interpolate_compat_tensorflow", "FID")
    channels = torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0).to(torch.float32)
    resized: Tensor = module.interpolate_bilinear_2d_like_tensorflow1x(
        channels, size=(SIDE, SIDE), align_corners=False
    )
    return (resized[0] - 128) / 128


def _pytorch_bilinear(image: Pixels) -> Tensor:
    """Resize as pytorch-fid does: half-pixel centres, no antialiasing, from [0, 1] to [−1, 1]."""
    channels = torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0).to(torch.float32) / 255
    resized = F.interpolate(channels, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return 2 * resized[0] - 1


def _pillow_bicubic(image: Pixels) -> Tensor:
    """Resize as clean-fid does (Parmar et al. 2022): Pillow's antialiased bicubic on unrounded floats."""
    channels = [
        np.asarray(Image.fromarray(channel).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        for channel in np.moveaxis(image.astype(np.float32), -1, 0)
    ]
    return (torch.from_numpy(np.stack(channels).clip(0, 255)) - 128) / 128


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "pytorch-fid",
            "bilinear without antialiasing",
            1,
            _pytorch_bilinear,
            one_size=False,
            transparency=True,
        ),
        Protocol(
            "stylegan2-ada",
            "TensorFlow 1 bilinear",
            0,
            _tensorflow_bilinear,
            one_size=True,
            transparency=False,
        ),
        Protocol("clean", "antialiased bicubic", 1, _pillow_bicubic, one_size=False, transparency=True),
    )
}
DEFAULT_PROTOCOL = "pytorch-fid"  # what the focal frequency loss paper's FIDs were computed with


def find_protocol(name: str) -> Protocol:
    """Return a protocol by name; raises ``FFLError`` listing the names there are."""
    if name not in PROTOCOLS:
        raise FFLError(f"{name!r} is not a FID protocol; choose from {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
