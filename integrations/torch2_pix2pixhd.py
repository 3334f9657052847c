"""``fractions`` for pix2pixHD's ``train.py``, with the ``gcd`` that left with Python 3.9."""

from __future__ import annotations

import fractions
import math

if not hasattr(fractions, "gcd"):
    fractions.gcd = math.gcd  # type: ignore[attr-defined]

__all__ = ["fractions"]
