"""A step of the look-alike of r3gan."""

from look_alikes._stylegan import take

__all__ = ["take"]
