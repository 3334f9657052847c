"""What a patched projected-gan or StyleGAN-XL imports: flags for ``train.py``, the term for its loss."""

from __future__ import annotations

from ffl_plugin.integrations._stylegan import GeneratorTerm, configure, options

__all__ = ["GeneratorTerm", "configure", "options"]
