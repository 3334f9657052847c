"""A step of the look-alike of eg3d."""

from training_steps._stylegan import take

__all__ = ["take"]
