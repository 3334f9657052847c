"""DistributedDataParallel as StyleGAN2-ADA relies on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import torch


class DistributedDataParallel(torch.nn.parallel.DistributedDataParallel):
    """DDP that starts every process from the first one's buffers, also with ``broadcast_buffers=False``.

    torch 1.7 did so whatever the flag; today's leaves each process its own random noise buffers, and the
    upstream stops at its first snapshot because they differ.

    Args:
        module: the module, on its device.
        device_ids: that device, or an index; a CPU is not passed on, because DDP takes none.
        broadcast_buffers: whether to send the buffers at every forward pass as well.
        options: for DDP.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        device_ids: Optional[Sequence[Any]] = None,
        broadcast_buffers: bool = True,
        **options: Any,
    ) -> None:
        if not broadcast_buffers:
            for buffer in module.buffers():
                torch.distributed.broadcast(buffer, src=0)
        if device_ids is not None and torch.device("cpu") in device_ids:
            device_ids = None
        super().__init__(module, device_ids=device_ids, broadcast_buffers=broadcast_buffers, **options)
