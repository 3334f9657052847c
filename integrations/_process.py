"""This process among those that train together."""

from __future__ import annotations

import os
import sys

from torch import distributed


def rank() -> int:
    """Rank of this process, 0 when it trains alone; also before upstream starts ``torch.distributed``."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank()
    return int(os.environ.get("RANK", "0"))


def warn(sentence: str) -> None:
    """Print one sentence on standard error, once for all processes."""
    if rank() == 0:
        print(f"Warning: {sentence}.", file=sys.stderr, flush=True)
