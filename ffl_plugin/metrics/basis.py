"""What a number depends on: numbers compare only where this is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

UNKNOWN = "unknown"  # a protocol, or weights, that a file does not name


@dataclass(frozen=True)
class Basis:
    """Protocol, numbers of images and weights behind one number.

    Attributes:
        protocol: the name of the FID protocol; empty where no Inception features are involved.
        processing: what the protocol does that matters to this number: resize, covariance.
        counts: how many of what, such as ``{"real": 2700, "generated": 2650}`` or ``{"pairs": 24}``; None
            where a file of statistics does not say.
        weights: first digits of the SHA-256 of the Inception weights; empty where none are involved.
        settings: of the metric itself, such as ``3 neighbours``.

    >>> print(Basis(counts={"real": 2700, "generated": 2650}, settings=("3 neighbours",)))
    N = 2,700 real, 2,650 generated; 3 neighbours
    """

    protocol: str = ""
    processing: tuple[str, ...] = ()
    counts: Mapping[str, Optional[int]] = field(default_factory=dict)
    weights: str = ""
    settings: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write it as it stands beside a number; empty where there is nothing to say."""
        parts = []
        if self.protocol:
            name = f"protocol {UNKNOWN}" if self.protocol == UNKNOWN else self.protocol
            parts.append(": ".join(filter(None, (name, ", ".join(self.processing)))))
        if self.counts:
            numbers = (
                f"{UNKNOWN if number is None else format(number, ',')} {what}"
                for what, number in self.counts.items()
            )
            parts.append(f"N = {', '.join(numbers)}")
        if self.weights:
            parts.append(f"weights {self.weights}")
        return "; ".join((*parts, *self.settings))
