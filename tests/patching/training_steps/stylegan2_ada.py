"""A step of the look-alike of stylegan2-ada."""

from training_steps._stylegan import take

__all__ = ["take"]
