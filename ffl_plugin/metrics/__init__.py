"""Image sources, features, Fréchet distance and spectral metrics.

The public names are listed in ``__init__.pyi`` and imported from their modules on first use: the Fréchet
distance loads NumPy, but no network.
"""

from __future__ import annotations

from ffl_plugin.metrics.lazy import public_names

__all__, __getattr__, __dir__ = public_names(__name__)
