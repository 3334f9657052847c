"""Several processes that train together over gloo."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch.distributed
import torch.multiprocessing


def spawn(work: Callable[..., None], *arguments: Any, processes: int = 2) -> None:
    """Call ``work(rank, *arguments)`` in every process; raise what any of them raised."""
    torch.multiprocessing.spawn(_work, (work, arguments), nprocs=processes)


def meet(folder: Path, rank: int, processes: int = 2) -> None:
    """Join the group of all processes, in a folder that is theirs alone."""
    # The name as it is: torch takes the blanks of an address for what they are quoted by.
    store = torch.distributed.FileStore(str(folder / "store"), processes)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=processes)


def _work(rank: int, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    work(rank, *arguments)
    # DistributedDataParallel keeps gloo's threads alive beyond destroy_process_group(), and one that lets go
    # of a tensor while the interpreter is being taken down aborts the process, now and then: leave it up.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
