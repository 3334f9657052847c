"""A step of the look-alike of stylegan3."""

from training_steps._stylegan import take

__all__ = ["take"]
