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
        device_ids: that device, or an index; not passed on for a module on a CPU: DDP takes none there.
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
        if all(parameter.device.type == "cpu" for parameter in module.parameters()):
            device_ids = options["output_device"] = None
        super().__init__(module, device_ids=device_ids, broadcast_buffers=broadcast_buffers, **options)
