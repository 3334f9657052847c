"""DistributedDataParallel with the semantics StyleGAN2-ADA relies on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import torch


class DistributedDataParallel(torch.nn.parallel.DistributedDataParallel):
    """DDP that broadcasts buffers from rank 0 at construction, even with ``broadcast_buffers=False``.

    torch 1.7 always did. Current versions leave each process its own random noise buffers, and the upstream
    stops at its first snapshot because they differ.

    Args:
        module: the module, on its device.
        device_ids: its device or index; not passed on for a module on a CPU, for which DDP accepts none.
        broadcast_buffers: whether to broadcast the buffers in every forward pass as well.
        options: further arguments of DDP.
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
