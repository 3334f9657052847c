"""A step of the look-alike of tsit."""

from training_steps.spade import take

__all__ = ["take"]
