"""``fractions`` for pix2pixHD's ``train.py``, with the ``gcd`` that Python 3.9 removed."""

from __future__ import annotations

import fractions
import math

if not hasattr(fractions, "gcd"):
    fractions.gcd = math.gcd  # type: ignore[attr-defined]

__all__ = ["fractions"]
