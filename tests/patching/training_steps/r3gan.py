"""A step of the look-alike of r3gan."""

from training_steps._stylegan import take

__all__ = ["take"]
