"""FFL for stylegan3: flags for ``train.py``, and the term for ``StyleGAN2Loss``."""

from __future__ import annotations

from ffl_plugin.integrations._stylegan import GeneratorTerm, configure, options

__all__ = ["GeneratorTerm", "configure", "options"]
