"""This process among those that train together."""

from __future__ import annotations

import os
import sys

from torch import Tensor, distributed


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def rank() -> int:
    """Rank of this process, 0 when it trains alone; also before upstream starts ``torch.distributed``."""
    return distributed.get_rank() if _together() else int(os.environ.get("RANK", "0"))


def count() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if _together() else 1


def warn(sentence: str) -> None:
    """Print one sentence on standard error, once for all processes."""
    if rank() == 0:
        print(f"Warning: {sentence}.", file=sys.stderr, flush=True)


def say(sentence: str) -> None:
    """Print one sentence on standard output, once for all processes."""
    if rank() == 0:
        print(f"{sentence}.", flush=True)


def of_all(rows: Tensor) -> Tensor:
    """Return the rows of all processes, in each of them: (N, ...) -> (processes × N, ...), N equal in all.

    By a sum, which every backend has for tensors on every device.
    """
    if count() == 1:
        return rows
    table = rows.new_zeros((count(), *rows.shape))
    table[rank()] = rows
    distributed.all_reduce(table)
    return table.flatten(0, 1)
