"""A step of the look-alike of tsit."""

from look_alikes.spade import take

__all__ = ["take"]
