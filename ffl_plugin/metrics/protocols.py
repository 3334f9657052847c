"""What a published FID number means: how images reach the network, and how the covariance is taken.

Numbers of different protocols are not comparable, so the protocol is named beside every number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.resize import pillow_bicubic, pytorch_bilinear, tensorflow_bilinear


@dataclass(frozen=True)
class Protocol:
    """One way to compute FID.

    Attributes:
        name: as the user writes it.
        resize: the resize to 299×299, in words.
        ddof: 0 divides the covariance by N, 1 by N − 1.
        prepare: uint8 (B, H, W, 3) to float32 (B, 3, 299, 299) in about [−1, 1].
        on_host: whether ``prepare`` is for the CPU alone.
        one_size: whether all images of a set must have one size.
        transparency: whether an alpha channel is dropped (or refused).
    """

    name: str
    resize: str
    ddof: int
    prepare: Callable[[Tensor], Tensor]
    on_host: bool
    one_size: bool
    transparency: bool

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


def find_protocol(name: str) -> Protocol:
    """Return a protocol by name; raises ``FFLError`` listing the names there are."""
    if name not in PROTOCOLS:
        raise FFLError(f"{name!r} is not a FID protocol; choose from {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
