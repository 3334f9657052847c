"""Rank, logging and gathering across training processes."""

from __future__ import annotations

import os
import sys
from typing import Optional

from torch import Tensor, distributed


def _is_distributed() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def rank() -> int:
    """Rank of this process; 0 without distribution. Works before ``torch.distributed`` is initialised."""
    return distributed.get_rank() if _is_distributed() else int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """Number of training processes."""
    return distributed.get_world_size() if _is_distributed() else 1


def is_main() -> bool:
    """Whether this process prints and writes for all."""
    return rank() == 0


def warn(sentence: Optional[str]) -> None:
    """Print a warning, if there is one, on standard error, in the main process only."""
    if sentence and is_main():
        print(f"Warning: {sentence}.", file=sys.stderr, flush=True)


def echo(sentence: str) -> None:
    """Print a message on standard output, in the main process only."""
    if is_main():
        print(f"{sentence}.", flush=True)


def gather_rows(rows: Tensor) -> Tensor:
    """Gather rows from all processes into each: (N, ...) -> (processes × N, ...), with equal N.

    Uses all_reduce, which every backend supports for tensors on every device.
    """
    if world_size() == 1:
        return rows
    table = rows.new_zeros((world_size(), *rows.shape))
    table[rank()] = rows
    distributed.all_reduce(table)
    return table.flatten(0, 1)
