"""The conditions of a number: numbers are comparable only if these are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

UNKNOWN = "unknown"  # a protocol, or weights, not named in a file


@dataclass(frozen=True)
class Basis:
    """Protocol, numbers of images and weights behind one number.

    Attributes:
        protocol: the name of the FID protocol; empty without Inception features.
        processing: the protocol's settings that affect this number: resize, covariance.
        counts: numbers of images, such as ``{"real": 2700, "generated": 2650}`` or ``{"pairs": 24}``; None if
            a file of statistics does not give it.
        weights: first digits of the SHA-256 of the Inception weights; empty without them.
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
        """Format it for display beside a number; empty if there is nothing to show."""
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
