"""The device of a network: the user's choice, else the process's GPU, else the CPU."""

from __future__ import annotations

import os
from typing import Optional

import torch

from ffl_plugin.errors import FFLError


def find_device(name: Optional[str] = None) -> torch.device:
    """Return the named device, else this process's GPU, else the CPU.

    Raises ``FFLError`` if this PyTorch cannot use the device.
    """
    name = name or _default()
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise FFLError(f"{name!r} is not a device that this PyTorch can use: {reason}") from None
    return device


def _default() -> str:
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
