"""Protocols of feature metrics: the preparation of images for the network, and the covariance.

Numbers from different protocols are not comparable, so every number is printed with its protocol. FID has
several; the other networks have one each, from the paper that introduced the metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.feature_choice import ALEXNET, CLIP, DEFAULT_PROTOCOL, DINOV2, INCEPTION
from ffl_plugin.metrics.normalised import normalised_clip, normalised_imagenet
from ffl_plugin.metrics.resize import pillow_bicubic, pytorch_bilinear, tensorflow_bilinear


@dataclass(frozen=True)
class Protocol:
    """A protocol from images to features.

    Attributes:
        name: name on the command line.
        resize: description of the resizing to the network's input.
        ddof: 0 divides the covariance by N, 1 by N − 1.
        prepare: maps uint8 (B, H, W, 3) to the network's input, float32 (B, 3, side, side).
        on_host: whether ``prepare`` runs on the CPU only.
        one_size: whether all images of a set must have the same size.
        transparency: whether an alpha channel is dropped, not refused.
        network: the network, a key of ``NETWORKS``.
        dimensions: number of leading columns of a row that are features; None for all.
    """

    name: str
    resize: str
    ddof: int
    prepare: Callable[[Tensor], Tensor]
    on_host: bool = True
    one_size: bool = False
    transparency: bool = True
    network: str = INCEPTION
    dimensions: Optional[int] = 2048

    def __str__(self) -> str:
        """Return name and resizing, as printed with a number."""
        return f"{self.name}: {self.resize}"

    @property
    def covariance(self) -> str:
        """The divisor of the covariance, as printed with FID."""
        return f"covariance ÷{'N' if self.ddof == 0 else '(N−1)'}"


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(DEFAULT_PROTOCOL, "bilinear without antialiasing", 1, pytorch_bilinear, on_host=False),
        Protocol(
            "stylegan2-ada",
            "TensorFlow 1 bilinear",
            0,
            tensorflow_bilinear,
            on_host=False,
            one_size=True,
            transparency=False,
        ),
        Protocol("clean", "antialiased bicubic", 1, pillow_bicubic),
    )
}

_OTHERS = {
    network: Protocol(network, resize, 1, prepare, network=network, dimensions=None)
    for network, resize, prepare in (
        (DINOV2, "224×224, antialiased bicubic", normalised_imagenet),
        (CLIP, "centre crop, 336×336, antialiased bicubic", normalised_clip),
        (ALEXNET, "224×224, antialiased bicubic", normalised_imagenet),
    )
}


def find_protocol(name: str) -> Protocol:
    """Return a FID protocol by name, or the protocol of another network by the network's key.

    Raises ``FFLError`` listing the FID protocols.
    """
    if name in _OTHERS:
        return _OTHERS[name]
    if name not in PROTOCOLS:
        raise FFLError(f"{name!r} is not a FID protocol; choose from {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
