"""What a published number of features means: how images reach the network, and how the covariance is taken.

Numbers of different protocols are not comparable, so the protocol is named beside every number. FID has
several; the other networks have one each, that of the paper that measures with them.
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
    """One way from images to features.

    Attributes:
        name: as the user writes it.
        resize: to the network's input, in words.
        ddof: 0 divides the covariance by N, 1 by N − 1.
        prepare: uint8 (B, H, W, 3) to what the network takes, float32 (B, 3, side, side).
        on_host: whether ``prepare`` is for the CPU alone.
        one_size: whether all images of a set must have one size.
        transparency: whether an alpha channel is dropped (or refused).
        network: whose features, a key of ``NETWORKS``.
        dimensions: how many columns of a row are features, the first; None where all are.
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
        """Name and resize, as printed beside a number."""
        return f"{self.name}: {self.resize}"

    @property
    def covariance(self) -> str:
        """What the covariance is divided by, as printed beside FID."""
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
DEFAULT_PROTOCOL = "pytorch-fid"  # what the focal frequency loss paper's FIDs were computed with


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
    """Return a protocol of FID by name, or that of another network by the network's key.

    Raises ``FFLError`` listing the names of FID's.
    """
    if name in _OTHERS:
        return _OTHERS[name]
    if name not in PROTOCOLS:
        raise FFLError(f"{name!r} is not a FID protocol; choose from {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
