"""Protocols of feature metrics: the preparation of images for the network, and the covariance.

Numbers from different protocols are not comparable, so every number is printed with its protocol. FID has
several; the other networks have one each, from the paper that introduced the metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.feature_choice import ALEXNET, CLIP, DINOV2, INCEPTION
from ffl_plugin.metrics.normalised import normalised_alexnet, normalised_clip, normalised_dinov2
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
        transparency: whether an alpha channel is dropped (or refused).
        network: the network, a key of ``NETWORKS``.
        dimensions: number of leading columns of a row that are features; None for all.
    """

    name: str
    resize: str
    ddof: int
    prepare: Callable[[Tensor], Tensor]
    on_host: bool
    one_size: bool
    transparency: bool
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
        Protocol(
            "pytorch-fid",
            "bilinear without antialiasing",
            1,
            pytorch_bilinear,
            on_host=False,
            one_size=False,
            transparency=True,
        ),
        Protocol(
            "stylegan2-ada",
            "TensorFlow 1 bilinear",
            0,
            tensorflow_bilinear,
            on_host=False,
            one_size=True,
            transparency=False,
        ),
        Protocol(
            "clean", "antialiased bicubic", 1, pillow_bicubic, on_host=True, one_size=False, transparency=True
        ),
    )
}
DEFAULT_PROTOCOL = "pytorch-fid"  # the protocol of the focal frequency loss paper


def _of_another_network(network: str, resize: str, prepare: Callable[[Tensor], Tensor]) -> Protocol:
    return Protocol(
        network,
        resize,
        1,
        prepare,
        on_host=True,
        one_size=False,
        transparency=True,
        network=network,
        dimensions=None,
    )


_OTHERS = {
    protocol.name: protocol
    for protocol in (
        _of_another_network(DINOV2, "224×224, antialiased bicubic", normalised_dinov2),
        _of_another_network(CLIP, "centre crop, 336×336, antialiased bicubic", normalised_clip),
        _of_another_network(ALEXNET, "224×224, antialiased bicubic", normalised_alexnet),
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
