"""A step of the look-alike of stylegan3."""

from look_alikes._stylegan import take

__all__ = ["take"]
