"""A step of the look-alike of eg3d."""

from look_alikes._stylegan import take

__all__ = ["take"]
