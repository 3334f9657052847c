"""A step of the look-alike of stylegan2-ada."""

from look_alikes._stylegan import take

__all__ = ["take"]
