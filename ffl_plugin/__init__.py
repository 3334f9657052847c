"""Focal Frequency Loss for the image generators people already train.

The loss is imported on first use, so that the command line, which needs no torch to patch a clone,
starts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ffl_plugin.errors import FFLError

if TYPE_CHECKING:
    from ffl_plugin.loss import FocalFrequencyLoss, focal_frequency_loss

__version__ = "0.2.0"
__all__ = ["FFLError", "FocalFrequencyLoss", "__version__", "focal_frequency_loss"]


def __getattr__(name: str) -> Any:
    """Import the loss when it is first asked for (PEP 562)."""
    if name in ("FocalFrequencyLoss", "focal_frequency_loss"):
        from ffl_plugin import loss

        return getattr(loss, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
