"""Averages over the processes of ``torch.distributed``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import torch
import torch.distributed
from torch import Tensor


def mean_over_ranks(means: Sequence[Tensor], counts: Sequence[int]) -> list[Tensor]:
    """Return the means over the samples of all processes, given the means over this process's samples.

    Args:
        means: tensors of one dtype; each of the same shape in every process.
        counts: number of samples behind each mean in this process; may differ between processes.

    Without a process group, or in a group of one, the means are returned unchanged. The gradient suits
    training that averages gradients over processes: with n of N samples here and R processes, it is R n / N
    times the gradient of the global mean, and equal to it for batches of one size.
    """
    alone = not (torch.distributed.is_available() and torch.distributed.is_initialized())
    if alone or torch.distributed.get_world_size() == 1:
        return list(means)
    apply: Callable[..., tuple[Tensor, ...]] = _MeanOverRanks.apply
    return list(apply(counts, *means))


class _MeanOverRanks(torch.autograd.Function):
    """One all-reduce of the sums and their counts."""

    @staticmethod
    def forward(ctx: Any, counts: Sequence[int], *means: Tensor) -> tuple[Tensor, ...]:
        """Tensors of any shape -> tensors of the same shapes."""
        local = [means[0].new_full((1,), count) for count in counts]
        packed = torch.cat([*local, *(mean.flatten() * count for mean, count in zip(means, local))])
        torch.distributed.all_reduce(packed)
        sizes = [*(1 for _ in means), *(mean.numel() for mean in means)]
        parts = torch.split(packed, sizes)
        totals, sums = parts[: len(means)], parts[len(means) :]
        ranks = torch.distributed.get_world_size()
        ctx.shares = [ranks * count / total for count, total in zip(local, totals)]
        return tuple((part / total).view_as(mean) for part, total, mean in zip(sums, totals, means))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Scale by this process's share of the samples."""
        return (None, *(share * gradient for share, gradient in zip(ctx.shares, gradients)))
