"""FFL for projected-gan and StyleGAN-XL: flags for ``train.py``, and the term for their loss."""

from __future__ import annotations

from ffl_plugin.integrations._stylegan import GeneratorTerm, configure, options

__all__ = ["GeneratorTerm", "configure", "options"]
