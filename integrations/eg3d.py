"""What a patched eg3d imports: flags for ``train.py``, the term for its loss, on full-resolution images."""

from __future__ import annotations

from ffl_plugin.integrations._stylegan import GeneratorTerm, configure, options

__all__ = ["GeneratorTerm", "configure", "options"]
