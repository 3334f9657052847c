"""Who is looking: torch.compile, torch.export and torch.func want plain operations."""

from __future__ import annotations

import torch


def is_traced() -> bool:
    """Whether the code runs under torch.compile, torch.export or a transform such as vmap or grad."""
    compiler = getattr(torch, "compiler", None)  # torch 2.0 has none
    compiling = compiler is not None and compiler.is_compiling()
    return bool(compiling or torch._C._are_functorch_transforms_active())
